/** The command {@code ebflow}: one file per subcommand. */
@NullMarked
package org.ebflow.cli;

import org.jspecify.annotations.NullMarked;
