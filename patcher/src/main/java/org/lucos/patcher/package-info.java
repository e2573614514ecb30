/** Live patching of a running Linux kernel through the hypervisor bridge. See the rooms below. */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher;
