/** Registers of a stopped vCPU. Uses {@code addr}. */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.vcpu;
