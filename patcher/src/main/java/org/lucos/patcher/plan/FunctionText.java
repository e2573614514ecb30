package org.lucos.patcher.plan;

import java.util.List;
import java.util.function.Function;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.kernel.StaticSites;

/**
 * A function as it is in the guest now, and who else has to do with its text.
 *
 * @param code its bytes
 * @param parts bytes of its parts, in their order
 * @param sites what the kernel's tables say of places in a range
 * @param probes every kprobe of the kernel
 */
@SuppressWarnings("ArrayRecordComponent")
record FunctionText(
    byte[] code,
    List<byte[]> parts,
    Function<AddressRange, List<StaticSites.Site>> sites,
    List<Kprobe> probes) {}
