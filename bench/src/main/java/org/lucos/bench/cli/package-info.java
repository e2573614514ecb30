/** The {@code lucos-corpus} command. */
@org.jspecify.annotations.NullMarked
package org.lucos.bench.cli;
