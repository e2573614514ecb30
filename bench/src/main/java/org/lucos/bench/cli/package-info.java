/** The {@code lucos-corpus} and {@code lucos-bench} commands. */
@org.jspecify.annotations.NullMarked
package org.lucos.bench.cli;
