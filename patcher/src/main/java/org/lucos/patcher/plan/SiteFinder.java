package org.lucos.patcher.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.kernel.StaticSites;
import org.lucos.patcher.link.LinkedFunction;
import org.lucos.patcher.link.LinkedFunction.Referrer;
import org.lucos.patcher.link.LiveChange;
import org.lucos.patcher.link.Rewrite;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * Finds where in a function the jump to its replacement goes: right behind the ftrace slot, which
 * stays the guest's own. The five bytes are taken only if nobody else ever comes there, writes
 * there or looks them up.
 */
final class SiteFinder {
  private static final int CALL = 0xe8;

  private final LinkedFunction function;
  private final FunctionText text;
  private final List<String> warnings = new ArrayList<>();

  SiteFinder(LinkedFunction function, FunctionText text) {
    this.function = function;
    this.text = text;
  }

  /** What the operator should know of this function; complete after {@link #find}. */
  List<String> warnings() {
    return List.copyOf(warnings);
  }

  /**
   * Finds the site.
   *
   * @throws RefusedException {@code AlreadyPatched}, {@code SiteProbed} or {@code NoRedirectSite}
   */
  PlannedFunction find() {
    for (LiveChange change : function.changes()) {
      if (change.kind() == LiveChange.Kind.REDIRECT) {
        stackOn(change);
      }
    }
    long site = function.body();
    int taken = taken((int) site);
    AddressRange range = new AddressRange(function.code().start().plus(site), taken);
    checkProbes(range);
    checkRewrites(site, taken);
    checkTables(range);
    for (Referrer referrer : function.referrers()) {
      if (referrer.offset() >= site && referrer.offset() < site + taken) {
        throw none("its byte " + hex(referrer.offset()) + " is referred to by " + referrer.by());
      }
    }
    checkBranches(function.code(), text.code(), range);
    for (int i = 0; i < function.parts().size(); i++) {
      checkBranches(function.parts().get(i), text.parts().get(i), range);
    }
    OptionalLong slot = function.tracingSlot();
    if (slot.isPresent() && (text.code()[(int) slot.getAsLong()] & 0xff) == CALL) {
      warnings.add(
          function.name()
              + " is being traced: tracing goes on, but a tracer or BPF program that goes elsewhere"
              + " from there would bypass the replacement");
    }
    return new PlannedFunction(
        function.name(),
        function.target().object(),
        function.code(),
        function.parts(),
        range.start(),
        Bytes.of(text.code()).slice((int) site, (int) site + TextEdit.REDIRECT_SIZE),
        taken,
        function.target().replacement());
  }

  /** The function is judged by its own code, not by another patch's jump in it. */
  private void stackOn(LiveChange redirect) {
    if (redirect.own().isEmpty()) {
      throw new RefusedException(new StateRefusal.AlreadyPatched(function.name(), redirect.by()));
    }
    redirect.restore(function.code().start(), text.code());
  }

  /** The size of the whole instructions that the jump replaces. */
  private int taken(int site) {
    int at = site;
    while (at < site + TextEdit.REDIRECT_SIZE) {
      if (at >= text.code().length) {
        throw none("it has only " + (text.code().length - site) + " bytes of its own code");
      }
      Instruction instruction = decode(text.code(), at, function.code().start());
      at += instruction.length();
    }
    return at - site;
  }

  private Instruction decode(byte[] code, int at, GuestVirtualAddress start) {
    Instruction instruction = Decoder.decode(code, at, start.value() + at);
    if (!instruction.known()) {
      throw none("no known instruction at " + start.plus(at));
    }
    return instruction;
  }

  private void checkProbes(AddressRange site) {
    for (Kprobe probe : text.probes()) {
      if (probe.onFtrace()) {
        continue; // stays in the slot, and goes on to be hit
      }
      if (probe.text().overlaps(site)) {
        throw new RefusedException(
            new BusyRefusal.SiteProbed(function.name(), "kprobe at " + probe.address()));
      }
      boolean inside =
          function.code().contains(probe.address())
              || function.parts().stream().anyMatch(part -> part.contains(probe.address()));
      if (inside) {
        warnings.add(
            "the kprobe at "
                + probe.address()
                + " in "
                + function.name()
                + " will no longer be hit while the patch is applied");
      }
    }
  }

  private void checkRewrites(long site, int taken) {
    for (Rewrite rewrite : function.rewrites()) {
      if (rewrite.overlaps(site, taken) && !isHarmless(rewrite)) {
        throw none(
            "at "
                + hex(rewrite.offset())
                + " is code that the kernel rewrites ("
                + words(rewrite.kind().name())
                + ")");
      }
    }
  }

  /**
   * A jump to the return thunk was rewritten at boot for good, and no table of it is left.
   * Functions that do next to nothing have it among their first bytes.
   */
  private static boolean isHarmless(Rewrite rewrite) {
    return rewrite.kind() == Rewrite.Kind.RETURN;
  }

  private void checkTables(AddressRange range) {
    for (StaticSites.Site site : text.sites().apply(range)) {
      throw none(
          "the kernel has an entry for "
              + site.range().start()
              + " ("
              + words(site.kind().name())
              + ")");
    }
  }

  private void checkBranches(AddressRange code, byte[] bytes, AddressRange site) {
    for (int at = 0; at < bytes.length; ) {
      Instruction instruction = decode(bytes, at, code.start());
      if (instruction.target().isPresent() && site.contains(instruction.target().getAsLong())) {
        throw none(
            "the instruction at "
                + code.start().plus(at)
                + " branches to "
                + new GuestVirtualAddress(instruction.target().getAsLong()));
      }
      at += instruction.length();
    }
  }

  private RefusedException none(String detail) {
    return new RefusedException(new FitRefusal.NoRedirectSite(function.name(), detail));
  }

  private static String words(String constant) {
    return constant.toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static String hex(long offset) {
    return "+0x" + Long.toHexString(offset);
  }
}
