/**
 * Xen's hypercalls and foreign mappings: the Xen way to be a {@code GuestDomain}. Uses {@code
 * domain}, {@code mmu}, {@code watchdog}, {@code wire} and {@code jna}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.xen;
