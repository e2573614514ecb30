package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.lucos.bench.guest.BootedGuest;
import org.lucos.bench.harness.Setting;

/**
 * A kind of guest that is paused, and what goes in and out of it.
 *
 * @param vcpus how many it has
 * @param threads how many sleep in it, beside its own
 * @param busy whether system calls keep every vCPU from resting
 * @param large whether the patch is one of fifty functions rather than one
 */
record PausedGuests(int vcpus, int threads, boolean busy, boolean large) {
  private static final String ONE = "uptime-shows";
  private static final String FIFTY = "rtnetlink-idles";

  /** Two vCPUs that rest, and a patch of one function. */
  static PausedGuests idle(int threads) {
    return new PausedGuests(ScenarioGuest.VCPUS, threads, false, false);
  }

  PausedGuests withOneVcpu() {
    return new PausedGuests(1, threads, busy, large);
  }

  PausedGuests withFiftyFunctions() {
    return new PausedGuests(vcpus, threads, busy, true);
  }

  PausedGuests underLoad() {
    return new PausedGuests(vcpus, threads, true, large);
  }

  /** The group of their samples: what is not usual about them. */
  String label() {
    return String.format(Locale.ROOT, "%d threads", threads)
        + (vcpus == ScenarioGuest.VCPUS ? "" : ", " + vcpus + " vCPU")
        + (large ? ", 50 functions" : "")
        + (busy ? ", busy" : "");
  }

  /**
   * One of them, with its patch loaded and applied.
   *
   * @param maxPause as {@code --max-pause}
   */
  PausedGuestSession boot(Setting setting, Duration maxPause, Consumer<String> progress) {
    progress.accept("booting a guest: " + label());
    Path images = setting.home().resolve("vm-images");
    BootedGuest guest =
        BootedGuest.boot(
            images,
            "lucos-bench-" + label().replaceAll("\\W+", "-") + "-" + ProcessHandle.current().pid(),
            setting.kernel(),
            vcpus,
            List.of(),
            List.of(Inputs.program(setting, "threads"), Inputs.program(setting, "syscall_load")),
            Inputs.programs(setting));
    return PausedGuestSession.begin(
        setting, guest, label(), this::bundle, maxPause, this::prepare, progress);
  }

  private Path bundle(Setting setting, String release) {
    return large ? Inputs.benchEdit(setting, FIFTY, release) : Inputs.edit(setting, ONE, release);
  }

  private void prepare(BootedGuest guest) {
    guest.run("ulimit -u unlimited; threads " + threads + " >/tmp/threads 2>&1 &");
    guest.run("while ! grep -q ready /tmp/threads; do sleep 1; done");
    if (busy) {
      guest.run("syscall_load " + vcpus + " 100000 >/tmp/load 2>&1 &");
    }
  }
}
