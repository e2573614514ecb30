package org.lucos.patcher.plan;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.patcher.kernel.Kprobes;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.kernel.StaticSites;
import org.lucos.patcher.link.LinkedFunction;

/**
 * A function as it is in the guest now, and who else has to do with its text.
 *
 * @param code its bytes, without what probes have put there
 * @param parts bytes of its parts, in their order; likewise
 * @param sites what the kernel's tables say of places in a range
 * @param probes every kprobe of the kernel
 */
@SuppressWarnings("ArrayRecordComponent")
record FunctionText(
    byte[] code,
    List<byte[]> parts,
    Function<AddressRange, List<StaticSites.Site>> sites,
    List<Kprobe> probes) {

  /** From what was read of the guest: the arrays are written to. */
  static FunctionText of(
      LinkedFunction function,
      byte[] code,
      List<byte[]> parts,
      Function<AddressRange, List<StaticSites.Site>> sites,
      List<Kprobe> probes) {
    Kprobes.uncover(probes, function.code().start(), code);
    for (int i = 0; i < parts.size(); i++) {
      Kprobes.uncover(probes, function.parts().get(i).start(), parts.get(i));
    }
    return new FunctionText(code, parts, sites, probes);
  }

  /** Whether somebody has changed text or probes since the other was read. */
  boolean differs(FunctionText earlier) {
    return !probes.equals(earlier.probes)
        || !Arrays.equals(code, earlier.code)
        || !Arrays.deepEquals(parts.toArray(), earlier.parts.toArray());
  }
}
