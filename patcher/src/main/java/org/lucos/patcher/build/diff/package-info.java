/**
 * What a source change did to a compiled C file, function by function, and the changed part taken
 * out of it. Uses {@code elf} and {@code insn}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.build.diff;
