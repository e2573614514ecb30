package org.lucos.patcher.consistency;

import org.lucos.bridge.addr.AddressRange;
import org.lucos.patcher.kernel.OrcEntry;

/**
 * How to unwind at a place that no table of the kernel describes, because its code was put there
 * from outside.
 *
 * @param code the place
 * @param frame the frame there
 */
public record KnownFrame(AddressRange code, OrcEntry frame) {}
