package org.lucos.patcher.plan;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;
import org.lucos.patcher.kernel.Kprobes;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.kernel.Livepatches.Diversion;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * What the guest itself has put into its code at this moment: kprobes, and livepatches of its own.
 *
 * @param probes every kprobe
 * @param diversions every function that a livepatch diverts
 * @param modules what the modules with the livepatches' code are called, in their order
 */
public record GuestHooks(List<Kprobe> probes, List<Diversion> diversions, List<String> modules) {

  /** Copies the lists. */
  public GuestHooks {
    probes = List.copyOf(probes);
    diversions = List.copyOf(diversions);
    modules = List.copyOf(modules);
  }

  /** Reads them; short enough for a pause. */
  public static GuestHooks of(RunningKernel kernel) {
    List<Diversion> diversions = kernel.livepatches().all();
    List<LoadedModule> loaded = diversions.isEmpty() ? List.of() : kernel.modules();
    List<String> names = new ArrayList<>();
    for (Diversion diversion : diversions) {
      names.add(
          loaded.stream()
              .filter(module -> module.containsText(diversion.replacement()))
              .map(LoadedModule::name)
              .findFirst()
              .orElse("code at " + diversion.replacement()));
    }
    return new GuestHooks(kernel.kprobes().all(), diversions, names);
  }

  /** The livepatches, by module, that divert the function with this code; usually none. */
  public List<String> divertedBy(AddressRange code) {
    List<String> found = new ArrayList<>();
    for (int i = 0; i < diversions.size(); i++) {
      if (code.contains(diversions.get(i).function())) {
        found.add(modules.get(i));
      }
    }
    return List.copyOf(found);
  }

  /** The probes that stand on what is in this range, armed or not; not those in ftrace slots. */
  public List<Kprobe> on(AddressRange range) {
    return probes.stream()
        .filter(probe -> !probe.onFtrace() && probe.text().overlaps(range))
        .toList();
  }

  /**
   * Refuses if a jump in this function would never be come to.
   *
   * @throws RefusedException {@code FunctionLivepatched}
   */
  public void requireReached(String function, AddressRange code) {
    for (String by : divertedBy(code)) {
      throw new RefusedException(new BusyRefusal.FunctionLivepatched(function, by));
    }
  }

  /**
   * Refuses an edit of text that a probe stands on: the probe has a copy of the instruction, and
   * would go on to run it.
   *
   * @throws RefusedException {@code SiteProbed}
   */
  public void requireNoProbe(String function, TextEdit edit) {
    for (Kprobe probe : on(new AddressRange(edit.at(), edit.replacement().length))) {
      throw probed(function, probe, "");
    }
  }

  /**
   * Refuses to put a function's own code back where a probe, placed behind the jump while that was
   * there, would then stand within an instruction and damage it.
   *
   * @param code the function, or the part of it, with the edit in it
   * @param memory reads it
   * @throws RefusedException {@code SiteProbed}
   */
  public void requireProbesFit(
      String function, AddressRange code, Function<AddressRange, byte[]> memory, TextEdit edit) {
    List<Kprobe> behind =
        probes.stream()
            .filter(probe -> !probe.onFtrace() && code.contains(probe.address()))
            .filter(probe -> probe.address().compareTo(edit.at()) > 0)
            .toList();
    if (behind.isEmpty()) {
      return;
    }
    byte[] text = memory.apply(code);
    Kprobes.uncover(probes, code.start(), text);
    int site = (int) edit.at().minus(code.start());
    System.arraycopy(edit.replacement(), 0, text, site, edit.replacement().length);
    Set<GuestVirtualAddress> starts = instructions(code.start(), text, site);
    for (Kprobe probe : behind) {
      if (!starts.contains(probe.address())) {
        throw probed(function, probe, ", within an instruction of the code that is put back");
      }
    }
  }

  private static Set<GuestVirtualAddress> instructions(
      GuestVirtualAddress start, byte[] text, int from) {
    Set<GuestVirtualAddress> starts = new HashSet<>();
    for (int at = from; at < text.length; ) {
      Instruction instruction = Decoder.decode(text, at, start.value() + at);
      if (!instruction.known()) {
        break; // a probe behind it is taken for one that stands wrong
      }
      starts.add(start.plus(at));
      at += instruction.length();
    }
    return starts;
  }

  private static RefusedException probed(String function, Kprobe probe, String more) {
    return new RefusedException(
        new BusyRefusal.SiteProbed(function, "kprobe at " + probe.address() + more));
  }
}
