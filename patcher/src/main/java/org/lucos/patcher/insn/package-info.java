/** Lengths and branch targets of x86-64 instructions. Uses {@code bytes}. */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.insn;
