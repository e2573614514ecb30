/**
 * Connections to libvirt and the domains behind them. Uses {@code domain}, {@code qemu}, {@code
 * jna}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.libvirt;
