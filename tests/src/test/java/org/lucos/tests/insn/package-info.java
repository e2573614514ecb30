/** The instruction decoder against whole kernels. */
@org.jspecify.annotations.NullMarked
package org.lucos.tests.insn;
