package org.ebflow.linalg;

/**
 * The kernels of one precision. {@link KernelChoice} gives them.
 *
 * @param precision format of the matrices they take
 * @param rows vector arithmetic
 * @param functions elementwise functions
 * @param jets jets of elementwise functions
 * @param coupling jets of the scaling of a coupling
 * @param convolution convolutions of images
 * @param fourier layouts of the Fourier transform of images
 * @param spectral spectral normalisation of weights
 * @param noise counter-based noise
 * @param optimizer parameter updates
 * @param bfloat16 rounding of float32 numbers, whatever the precision of the others
 */
public record Kernels(
    Precision precision,
    RowKernels rows,
    ElementwiseFunctions functions,
    ElementwiseJets jets,
    CouplingKernels coupling,
    ConvolutionKernels convolution,
    FourierKernels fourier,
    SpectralKernels spectral,
    NoiseKernels noise,
    OptimizerKernels optimizer,
    BFloat16Kernels bfloat16) {}
