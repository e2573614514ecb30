/**
 * A guest as everything above the bridge sees it, whichever hypervisor runs it. Uses {@code addr},
 * {@code memory}, {@code vcpu}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.domain;
