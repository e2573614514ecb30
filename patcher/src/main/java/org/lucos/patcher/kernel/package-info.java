/**
 * A running Linux, described by itself: vmcoreinfo, kallsyms, BTF, ORC, tasks, modules, text. Uses
 * the bridge, {@code bytes} and {@code refusal}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.kernel;
