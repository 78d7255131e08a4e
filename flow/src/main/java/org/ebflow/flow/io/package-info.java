/** Files: weights as safetensors, the writing of any file in one piece, text for one line. */
@NullMarked
package org.ebflow.flow.io;

import org.jspecify.annotations.NullMarked;
