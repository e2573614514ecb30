/** Unix sockets of this host, on which every wait ends at a time. Uses {@code domain}. */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.wire;
