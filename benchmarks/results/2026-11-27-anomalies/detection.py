"""AUROC of candidate anomaly scores of the flows of one table.

    PYTHONPATH=python python3 detection.py RUNS train.csv test.csv anomalies.csv

RUNS is the run folder of `ebflow train --seeds 3`. Every score is larger where a row is odder. Needs numpy and scipy.
A line per score: name, mean and deviation of the AUROC over the seeds, AUROC of the mean score of the seeds.
"""
import pathlib, sys
import numpy as np
from scipy.special import log_ndtr, ndtri
from scipy.stats import rankdata
from ebflow_score import LAYERS, FlowDensity, uniform_noise

def read(path):
    return np.load(path).astype(float) if path.endswith(".npy") else np.loadtxt(path, delimiter=",", skiprows=1)

def auroc(odd, usual):
    both = np.nan_to_num(np.concatenate([odd, usual]), nan=1e300, posinf=1e300, neginf=-1e300)
    ranks = rankdata(both)[: len(odd)]
    return (ranks.sum() - len(odd) * (len(odd) + 1) / 2) / len(odd) / len(usual)

def push(model, part, x, first=0, last=None):
    at, spec = model.parts[part]
    log_det = np.zeros(len(x))
    for i, layer in list(enumerate(spec["layers"]))[first:last]:
        x, d = LAYERS[layer["type"]](x, dict(layer, dtype=spec["dtype"]), model.weights, f"{at}{i}.")
        log_det = log_det + d
    return x, log_det

def energy(model, w):  # -log of the density of the flow at its input w, up to a constant
    z, log_det = push(model, 1, w)
    return (z**2).sum(1) / 2 - log_det

def window(model, x, h):
    """Of the margins between x - h and x + h: mid-rank y, log of the mass, log of the secant's slope."""
    a, b = push(model, 0, x - h, 0, 1)[0], push(model, 0, x + h, 0, 1)[0]
    lower = a + b < 0  # computed on the side where the tail is small
    low, high = np.where(lower, a, -b), np.where(lower, b, -a)
    p, q = log_ndtr(low), log_ndtr(high)
    middle = ndtri(np.exp(np.logaddexp(p, q) - np.log(2)))
    middle = np.where(np.isfinite(middle), middle, high)
    mass = q + np.log(-np.expm1(np.minimum(p - q, -1e-15)))
    return np.where(lower, middle, -middle), mass.sum(1), np.log(np.maximum(b - a, 1e-300)).sum(1)

def scores(model, x, deviation):
    x = x + model.spread * uniform_noise(x, model.seed)
    y, margins = push(model, 0, x, 0, 1)
    w, _ = push(model, 0, y, 1)
    z, log_det = push(model, 1, w)
    e, size, D = energy(model, w), np.sort(abs(z), 1), x.shape[1]
    s = {"-log p": e - margins, "-log p of y": e, "copula": e - (y**2).sum(1) / 2, "margins": (y**2).sum(1) / 2 - margins,
         "latent norm": (z**2).sum(1), "norm of y": (y**2).sum(1), "-log|det| of flow": -log_det, "-log|det| of margins": -margins,
         "max |z|": size[:, -1], "90 % quantile of |z|": size[:, int(0.9 * D) - 1], "max |y|": abs(y).max(1),
         "-log p + half log|det| of margins": e - margins / 2}
    rng = np.random.default_rng(0)
    slopes = [(energy(model, w + 1e-4 * v) - energy(model, w - 1e-4 * v)) / 2e-4 for v in rng.choice([-1.0, 1.0], (8, 1, D))]
    s["norm of the score, 8 slices"] = np.mean(np.square(slopes), 0)
    for noise in (0.1, 0.3):
        near = [energy(model, w + noise * rng.standard_normal(w.shape)) for _ in range(4)]
        s[f"-log p of y, mean under noise {noise}"] = np.mean(near, 0)
    windows = {h: window(model, x, h * deviation) for h in (0.03, 0.1, 0.2, 0.3, 0.5, 1.0)}
    for h in (0.03, 0.1, 0.2, 0.3):
        middle = windows[h][0]
        at = energy(model, push(model, 0, middle, 1)[0])
        s[f"-log p of mid-rank y, h {h}"] = at
        for wide in sorted({h, 0.3, 1.0}):
            s[f"window {h}, mass {wide}"] = at - (middle**2).sum(1) / 2 - windows[wide][1]
        s[f"window {h}, secant 0.3"] = at - windows[0.3][2]
    return s

def with_ranks(s, train):
    """Adds two-sided scores and combinations, by ranks among training rows."""
    def rank(k):
        return -np.log1p(-np.searchsorted(np.sort(train[k]), s[k]) / (len(train[k]) + 1))
    p, y, norm, mid = "-log p", "-log p of y", "latent norm", "-log p of mid-rank y, h 0.1"
    more = {f"two-sided {k}": abs(s[k] - np.median(train[k])) for k in (p, y, norm, mid)}
    for a, b in ((p, norm), (p, y), (p, mid)):
        more[f"Fisher of {a}, {b}"] = rank(a) + rank(b)
        more[f"rarer of {a}, {b}"] = np.maximum(rank(a), rank(b))
    return s | more

if __name__ == "__main__":
    runs, (train, test, odd) = sys.argv[1], map(read, sys.argv[2:5])
    deviation, found, total = train.std(0), {}, None
    with np.errstate(all="ignore"):
        for run in sorted(pathlib.Path(runs).glob("seed-*")):
            model = FlowDensity(run)
            parts = [scores(model, x, deviation) for x in (train[:2000], test, odd)]
            usual, odder = (with_ranks(part, parts[0]) for part in parts[1:])
            for k in usual:
                found.setdefault(k, []).append(auroc(odder[k], usual[k]))
            total = [usual, odder] if total is None else [{k: t[k] + n[k] for k in t} for t, n in zip(total, (usual, odder))]
    for k, v in found.items():
        print(f"{k}\t{np.mean(v):.3f}\t{np.std(v, ddof=1):.3f}\t{auroc(total[1][k], total[0][k]):.3f}")
