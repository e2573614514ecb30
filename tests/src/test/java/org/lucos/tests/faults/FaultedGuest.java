package org.lucos.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Failures;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.RecoverGuest;
import org.lucos.patcher.app.RevertPatch;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.ShowStatus;
import org.lucos.patcher.app.SwitchLimits;
import org.lucos.patcher.app.VerifyGuest;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.tests.faults.FaultMatrixTest.Case;
import org.lucos.tests.faults.Faults.Kind;
import org.lucos.tests.guest.TestGuest;
import org.lucos.tests.live.Bundles;

/** A guest on which operations fail, and what is then found in it. */
final class FaultedGuest {
  private static final String PATCH = "two-files";
  private static final List<String> FUNCTIONS = List.of("show_console_dev", "devinfo_show");
  private static final SwitchLimits LIMITS =
      new SwitchLimits(Duration.ofSeconds(60), Duration.ofSeconds(5));
  private static final Duration SILENCE = Duration.ofSeconds(3);
  private static final Duration HANG = Duration.ofSeconds(5);

  private final TestGuest guest;
  private final Settings settings;
  private final Path bundle;
  private final Map<GuestVirtualAddress, String> old;

  FaultedGuest(TestGuest guest, Path own) {
    this.guest = guest;
    this.settings = Bundles.settings().below(own);
    this.bundle = Bundles.of(PATCH, guest.release());
    this.old = inKernel(FaultedGuest::text);
  }

  /**
   * What came of a case.
   *
   * @param failure what the operation ended with; empty if it went on to its end
   * @param found {@code old} or {@code new} after the fault
   * @param recovered what {@code recover} said
   * @param wrong what should not be; empty if all is well
   */
  record Result(
      Case which, boolean met, String failure, String found, String recovered, String wrong) {}

  void apply(Faults faults, boolean shortSilence) {
    new ApplyPatch(faulty(faults, shortSilence))
        .run(
            new ApplyPatch.Request(
                guest.name(),
                List.of(bundle),
                Optional.empty(),
                LIMITS,
                false,
                false,
                false,
                false),
            faults);
  }

  void revert(Faults faults, boolean shortSilence) {
    new RevertPatch(faulty(faults, shortSilence))
        .run(new RevertPatch.Request(guest.name(), List.of(PATCH), LIMITS), faults);
  }

  private Settings faulty(Faults faults, boolean shortSilence) {
    Duration silence = shortSilence ? SILENCE : Hypervisor.DEFAULT_SILENCE_LIMIT;
    return new Settings(
        settings.connection(),
        settings.cache(),
        FaultyFiles.under(settings.state(), faults),
        settings.locks(),
        settings.recipes(),
        settings.keys(),
        settings.clock(),
        uri -> new FaultyHost(Hypervisor.open(uri, silence), faults));
  }

  /** Runs an apply or a revert with a fault, or without one if there is no case, to its effect. */
  @Nullable Result faulty(boolean apply, @Nullable Case which) {
    if (which == null) {
      again(apply);
      return null;
    }
    Faults faults = Faults.at(which.point(), which.kind(), this::disturb);
    String failure = "";
    StringBuilder wrong = new StringBuilder();
    try {
      boolean hang = which.kind() == Kind.HANG;
      if (apply) {
        apply(faults, hang);
      } else {
        revert(faults, hang);
      }
    } catch (RuntimeException e) {
      failure = Failures.refusal(e).map(r -> r.code()).orElse(e.getClass().getSimpleName());
      if (Failures.refusal(e).isEmpty()) {
        wrong.append("untyped failure ").append(e).append("; ");
      }
    }
    String found = "?";
    String recovered = "";
    try {
      awaitRunning();
      found = inKernel(this::sites);
      assertThat(new ShowStatus(settings).run(guest.name()).patches())
          .as("status")
          .allMatch(p -> List.of("applied", "loaded").contains(p.state()))
          .filteredOn(p -> p.state().equals("applied"))
          .hasSize(found.equals("new") ? 1 : 0);
      RecoverGuest.Outcome outcome =
          new RecoverGuest(settings)
              .run(new RecoverGuest.Request(guest.name(), LIMITS), Progress.SILENT);
      recovered = outcome.finding();
      String done = found.equals(apply ? "new" : "old") ? "finished" : "undone";
      assertThat(recovered).as("recover, found " + found).isIn("nothing", done);
      assertThat(failure.equals("guest-rebooted")).as("the guest was not rebooted").isFalse();
      assertThat(inKernel(this::sites)).as("after recover").isEqualTo(found);
      assertThat(outcome.patches()).hasSize(found.equals("new") ? 1 : 0);
      again(apply);
    } catch (RuntimeException | AssertionError e) {
      wrong.append(e);
      settleByForce(apply);
    }
    return new Result(which, faults.met(), failure, found, recovered, wrong.toString());
  }

  /** The second run: has to lead to what the first was to. */
  private void again(boolean apply) {
    if (apply != inKernel(this::sites).equals("new")) {
      if (apply) {
        apply(Faults.none(), false);
      } else {
        revert(Faults.none(), false);
      }
    }
    assertThat(inKernel(this::sites)).as("after the second run").isEqualTo(apply ? "new" : "old");
    VerifyGuest.Outcome verified = new VerifyGuest(settings).run(guest.name());
    assertThat(verified.problems()).isEmpty();
    assertThat(verified.patches()).isEqualTo(apply ? 1 : 0);
  }

  /** A case that went wrong is told of; the others are tried all the same. */
  private void settleByForce(boolean apply) {
    new RecoverGuest(settings).run(new RecoverGuest.Request(guest.name(), LIMITS), Progress.SILENT);
    again(apply);
  }

  void assertClean() {
    again(false);
    assertThat(guest.run("grep -c '^lucos_' /proc/modules || true")).isEqualTo("0");
    assertThat(guest.run("tail -n 1 /proc/consoles")).doesNotContain("lucos");
  }

  private void disturb(Kind kind) {
    switch (kind) {
      case HANG -> sleep(HANG);
      case PORT_CLOSED ->
          run(
              "virsh",
              "-q",
              "-c",
              settings.connection(),
              "qemu-monitor-command",
              guest.name(),
              "--hmp",
              "gdbserver none");
      case WATCHDOG_KILLED -> killWatchdog();
      default -> throw new IllegalArgumentException(kind.toString());
    }
  }

  /** Of this process's children only. */
  private static void killWatchdog() {
    List<ProcessHandle> watchdogs =
        ProcessHandle.current().descendants().filter(FaultedGuest::isWatchdog).toList();
    assertThat(watchdogs).as("watchdogs of this process").isNotEmpty();
    watchdogs.forEach(ProcessHandle::destroyForcibly);
    watchdogs.forEach(watchdog -> watchdog.onExit().join());
  }

  private static boolean isWatchdog(ProcessHandle process) {
    try { // the JDK tells no command lines as long as this one
      return Files.readString(Path.of("/proc", String.valueOf(process.pid()), "cmdline"))
          .contains(".PauseWatchdogMain\0");
    } catch (IOException e) {
      return false; // it has just ended
    }
  }

  private static void run(String... command) {
    try {
      Process process =
          new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(Arrays.toString(command)).isTrue();
      assertThat(process.exitValue()).isZero();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void sleep(Duration duration) {
    try {
      Thread.sleep(duration.toMillis());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private void awaitRunning() {
    try (Hypervisor hypervisor = Hypervisor.open(settings.connection());
        GuestDomain domain = hypervisor.attach(guest.name())) {
      for (int i = 0; i < 600 && domain.state() != DomainState.RUNNING; i++) {
        sleep(Duration.ofMillis(100));
      }
      assertThat(domain.state()).as("the guest runs").isEqualTo(DomainState.RUNNING);
    }
  }

  private <T> T inKernel(Function<RunningKernel, T> look) {
    try (Hypervisor hypervisor = Hypervisor.open(settings.connection());
        GuestDomain domain = hypervisor.attach(guest.name())) {
      return look.apply(RunningKernel.attach(domain, settings.cache().resolve("running")));
    }
  }

  /**
   * {@code old} or {@code new} if that is true of both functions to the byte; else a difference.
   */
  private String sites(RunningKernel kernel) {
    Map<GuestVirtualAddress, String> now = text(kernel);
    int redirected = 0;
    for (GuestPatch patch : GuestPatch.all(kernel)) {
      for (GuestPatch.Site site : patch.sites()) {
        if (site.state() == GuestPatch.SiteState.REDIRECTED) {
          redirected++;
          now.replaceAll((start, text) -> undone(start, text, site));
        }
      }
    }
    if (!now.equals(old)) {
      return "neither: " + now;
    }
    return redirected == 0 ? "old" : redirected == FUNCTIONS.size() ? "new" : "mixed";
  }

  /** The text without a jump that is whole and where it should be. */
  private static String undone(GuestVirtualAddress start, String text, GuestPatch.Site site) {
    long at = 2 * site.redirect().at().minus(start);
    String jump = HexFormat.of().formatHex(site.redirect().replacement());
    if (at < 0 || at + jump.length() > text.length() || !text.startsWith(jump, (int) at)) {
      return text;
    }
    String original = HexFormat.of().formatHex(site.redirect().expected());
    return text.substring(0, (int) at) + original + text.substring((int) at + jump.length());
  }

  private static Map<GuestVirtualAddress, String> text(RunningKernel kernel) {
    Map<GuestVirtualAddress, String> text =
        new TreeMap<>((a, b) -> Long.compareUnsigned(a.value(), b.value()));
    for (String function : FUNCTIONS) {
      for (KernelSymbol symbol : kernel.symbols().all(function)) {
        int size = (int) kernel.symbols().range(symbol).size();
        text.put(
            symbol.address(),
            HexFormat.of().formatHex(kernel.memory().bytes(symbol.address(), size)));
      }
    }
    return text;
  }
}
