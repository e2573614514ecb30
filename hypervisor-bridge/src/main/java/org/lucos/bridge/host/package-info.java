/** Which hypervisor a connection URI means. Uses {@code libvirt} and {@code xen}. */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.host;
