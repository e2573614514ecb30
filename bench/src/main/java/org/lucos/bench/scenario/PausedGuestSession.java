package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.lucos.bench.guest.BootedGuest;
import org.lucos.bench.harness.Setting;
import org.lucos.bridge.domain.DomainFacts;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.PatchSwitch;
import org.lucos.patcher.transaction.PausePhase;
import org.lucos.patcher.transaction.SwitchOutcome;

/** A guest with a loaded patch that is switched to and fro. */
final class PausedGuestSession implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final BootedGuest guest;
  private final String label;
  private final Hypervisor hypervisor;
  private final GuestDomain domain;
  private final RunningKernel kernel;
  private final PatchSwitch patchSwitch;

  private PausedGuestSession(
      BootedGuest guest, String label, Settings settings, Duration maxPause) {
    this.guest = guest;
    this.label = label;
    this.hypervisor = Hypervisor.open(settings.connection());
    this.domain = hypervisor.attach(guest.name());
    this.kernel = RunningKernel.attach(domain, settings.cache().resolve("running"));
    this.patchSwitch = new PatchSwitch(kernel, maxPause, Settings.CALLBACK_LIMIT);
  }

  /**
   * Applies the patch, and connects to the guest; ends it if that fails.
   *
   * @param guest that has just been booted, and is closed with this
   * @param label what is particular about it, for reports
   * @param bundle the patch, for a kernel release
   * @param maxPause as {@code --max-pause}
   * @param prepare what is to be done in the guest before
   */
  static PausedGuestSession begin(
      Setting setting,
      BootedGuest guest,
      String label,
      BiFunction<Setting, String, Path> bundle,
      Duration maxPause,
      Consumer<BootedGuest> prepare,
      Consumer<String> progress) {
    boolean done = false;
    try {
      prepare.accept(guest);
      progress.accept("building and applying its patch");
      Path patch = bundle.apply(setting, guest.run("uname -r").strip());
      Patches.apply(setting, guest.name(), List.of(patch));
      PausedGuestSession session =
          new PausedGuestSession(guest, label, setting.settings(), maxPause);
      done = true;
      return session;
    } finally {
      if (!done) {
        guest.close();
      }
    }
  }

  String label() {
    return label;
  }

  GuestDomain domain() {
    return domain;
  }

  String facts() {
    DomainFacts facts = domain.facts();
    return String.format(
        "%s: %s, %d vCPUs, %d MiB, %s, %s",
        label,
        kernel.identity().release(),
        facts.vcpus(),
        facts.memoryBytes() >> 20,
        facts.accelerator(),
        facts.hypervisor());
  }

  /** Microseconds of a pause in which nothing is done. */
  long empty() {
    PausedGuest lease = domain.pause("empty");
    lease.close();
    return micros(last(domain.pauses()).duration());
  }

  /**
   * One switch.
   *
   * @param pause microseconds of the pause in which it was made
   * @param undone those of pauses before, in which it was given up
   * @param phases microseconds of each phase of the former
   * @param putOff why it was not made at once
   */
  record Sample(long pause, List<Long> undone, Map<PausePhase, Long> phases, List<String> putOff) {}

  Sample apply() {
    int before = domain.pauses().entries().size();
    return sample(before, patchSwitch.apply(patch(), PATIENCE));
  }

  Sample revert() {
    int before = domain.pauses().entries().size();
    return sample(before, patchSwitch.revert(patch(), PATIENCE).orElseThrow());
  }

  private Sample sample(int before, SwitchOutcome outcome) {
    List<PauseLog.Entry> all = domain.pauses().entries();
    List<Long> undone =
        all.subList(before, all.size() - 1).stream()
            .filter(entry -> !entry.purpose().equals("connect"))
            .map(entry -> micros(entry.duration()))
            .toList();
    Map<PausePhase, Long> phases = new EnumMap<>(PausePhase.class);
    outcome.phases().forEach((phase, duration) -> phases.put(phase, micros(duration)));
    return new Sample(micros(outcome.pause()), undone, phases, outcome.retries());
  }

  private GuestPatch patch() {
    return GuestPatch.all(kernel).get(0);
  }

  private static PauseLog.Entry last(PauseLog log) {
    List<PauseLog.Entry> entries = log.entries();
    return entries.get(entries.size() - 1);
  }

  private static long micros(Duration duration) {
    return duration.toNanos() / 1000;
  }

  @Override
  public void close() {
    try (guest;
        hypervisor) {
      domain.close();
    }
  }
}
