/** Files: weights as safetensors, and the writing of any file in one piece. */
@NullMarked
package org.ebflow.flow.io;

import org.jspecify.annotations.NullMarked;
