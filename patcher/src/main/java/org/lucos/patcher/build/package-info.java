/**
 * From a source diff and a kernel tree to a {@code PatchObject}. Touches the toolchain and no
 * guest. Uses {@code elf} and {@code trust}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.build;
