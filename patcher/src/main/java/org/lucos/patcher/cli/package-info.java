/** Commands, their output and exit codes. Uses {@code app} and {@code refusal} only. */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.cli;
