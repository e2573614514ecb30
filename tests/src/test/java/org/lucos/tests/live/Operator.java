package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Failures;
import org.lucos.patcher.app.PlanPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.RecoverGuest;
import org.lucos.patcher.app.RevertPatch;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.SettlePatches;
import org.lucos.patcher.app.ShowStatus;
import org.lucos.patcher.app.SoakedApply;
import org.lucos.patcher.app.SwitchLimits;
import org.lucos.patcher.app.VerifyGuest;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.LoadedModule.Kind;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;

/** Works on one guest through the product's use cases, as the commands do. */
final class Operator {
  /** Generous: guests are slow where QEMU translates on a busy machine. */
  static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Enough for the guest calls of an apply, when nobody else is busy. */
  static final Duration HASTE = Duration.ofSeconds(8);

  private static final Duration MAX_PAUSE = Duration.ofSeconds(5);

  private static final SwitchLimits LIMITS = new SwitchLimits(PATIENCE, MAX_PAUSE);

  private final TestGuest guest;
  private final Settings settings;

  Operator(TestGuest guest) {
    this(guest, Bundles.settings());
  }

  Operator(TestGuest guest, Settings settings) {
    this.guest = guest;
    this.settings = settings;
  }

  Settings settings() {
    return settings;
  }

  Path bundle(String recipe) {
    return Bundles.of(recipe, guest.release());
  }

  ApplyPatch.Outcome apply(String recipe) {
    return apply(bundle(recipe), PATIENCE);
  }

  ApplyPatch.Outcome apply(Path bundle, Duration timeout) {
    return new ApplyPatch(settings)
        .run(
            new ApplyPatch.Request(guest.name(), bundle, timeout, MAX_PAUSE, false),
            Progress.SILENT);
  }

  /** Applies, and gets tasks that sleep in what is to be replaced out of it. */
  ApplyPatch.Outcome applyKicking(String recipe) {
    return new ApplyPatch(settings)
        .run(
            new ApplyPatch.Request(
                guest.name(),
                List.of(bundle(recipe)),
                Optional.empty(),
                LIMITS.kickingAfter(Optional.of(Duration.ofMillis(200))),
                false,
                false,
                false,
                false),
            Progress.SILENT);
  }

  /** Applies, runs probes and watches as told. */
  SoakedApply.Outcome apply(Path bundle, SoakedApply.Soak soak, boolean dryRun) {
    return new SoakedApply(settings)
        .run(
            new ApplyPatch.Request(
                guest.name(),
                List.of(bundle),
                Optional.empty(),
                LIMITS,
                dryRun,
                false,
                false,
                false),
            soak,
            Progress.SILENT);
  }

  /** Applies it whoever is inside, as {@code apply --immediate} does. */
  ApplyPatch.Outcome applyAtOnce(Path bundle) {
    return new ApplyPatch(settings)
        .run(
            new ApplyPatch.Request(
                guest.name(), List.of(bundle), Optional.empty(), LIMITS, false, false, false, true),
            Progress.SILENT);
  }

  /** Applies several patches in one transaction. */
  ApplyPatch.Outcome applyTogether(Path... bundles) {
    return apply(Optional.empty(), bundles);
  }

  /** Applies patches in the place of others, or of all. */
  ApplyPatch.Outcome replace(List<String> replaced, Path... bundles) {
    return apply(Optional.of(replaced), bundles);
  }

  private ApplyPatch.Outcome apply(Optional<List<String>> replace, Path... bundles) {
    return new ApplyPatch(settings)
        .run(
            new ApplyPatch.Request(
                guest.name(), List.of(bundles), replace, LIMITS, false, false, false, false),
            Progress.SILENT);
  }

  /** Reverts several patches in one transaction, all if none is named. */
  RevertPatch.Outcome revertTogether(String... patches) {
    return new RevertPatch(settings)
        .run(new RevertPatch.Request(guest.name(), List.of(patches), LIMITS), Progress.SILENT);
  }

  RecoverGuest.Outcome recover() {
    return new RecoverGuest(settings)
        .run(new RecoverGuest.Request(guest.name(), LIMITS), Progress.SILENT);
  }

  /** Applies what nobody has signed, as an operator may insist on. */
  ApplyPatch.Outcome applyUnsigned(Path bundle) {
    return new ApplyPatch(settings)
        .run(
            new ApplyPatch.Request(
                guest.name(),
                bundle,
                PATIENCE,
                MAX_PAUSE,
                false,
                Settings.CALLBACK_LIMIT,
                true,
                false),
            Progress.SILENT);
  }

  /** Applies, or lets the patch wait for modules, as the command does unless told otherwise. */
  ApplyPatch.Outcome applyOrWait(String recipe) {
    return new ApplyPatch(settings)
        .run(
            new ApplyPatch.Request(
                guest.name(),
                bundle(recipe),
                PATIENCE,
                MAX_PAUSE,
                false,
                Settings.CALLBACK_LIMIT,
                false,
                true),
            Progress.SILENT);
  }

  /** Applies what waited, once or until nothing waits. */
  SettlePatches.Outcome settle(boolean watch) {
    return new SettlePatches(settings)
        .run(
            new SettlePatches.Request(
                guest.name(),
                LIMITS,
                watch ? Optional.of(Duration.ofMillis(500)) : Optional.empty(),
                Optional.of(PATIENCE)),
            Progress.SILENT);
  }

  RevertPatch.Outcome revert(String patch) {
    return revert(patch, PATIENCE);
  }

  RevertPatch.Outcome revert(String patch, Duration timeout) {
    return new RevertPatch(settings)
        .run(new RevertPatch.Request(guest.name(), patch, timeout, MAX_PAUSE), Progress.SILENT);
  }

  PlanPatch.Outcome plan(Path bundle) {
    return new PlanPatch(settings).run(guest.name(), bundle, Progress.SILENT);
  }

  List<ShowStatus.Patch> patches() {
    return new ShowStatus(settings).run(guest.name()).patches();
  }

  /** What the status says besides. */
  List<String> notes() {
    return new ShowStatus(settings).run(guest.name()).notes();
  }

  /** Fails unless the guest has this many patches and each stands as it should. */
  void assertSound(int patches) {
    VerifyGuest.Outcome outcome = new VerifyGuest(settings).run(guest.name());
    assertThat(outcome.problems()).isEmpty();
    assertThat(outcome.sound()).isTrue();
    assertThat(outcome.patches()).isEqualTo(patches);
  }

  /** What verification finds wrong. */
  List<String> problems() {
    return new VerifyGuest(settings).run(guest.name()).problems();
  }

  /** Modules of patches as the guest lists them. */
  List<String> modules() {
    return guest
        .run("cut -d' ' -f1 /proc/modules")
        .lines()
        .filter(name -> name.startsWith("lucos_"))
        .toList();
  }

  /** The running text of functions, cold parts included, in hexadecimal. */
  Map<String, String> text(Collection<String> functions) {
    return inKernel(
        kernel -> {
          Map<String, String> text = new TreeMap<>();
          for (String function : functions) {
            for (String part : List.of(function, function + ".cold")) {
              for (KernelSymbol symbol : kernel.symbols().all(part)) {
                byte[] bytes =
                    kernel
                        .memory()
                        .bytes(symbol.address(), (int) kernel.symbols().range(symbol).size());
                text.put(part + " at " + symbol.address(), HexFormat.of().formatHex(bytes));
              }
            }
          }
          assertThat(text).hasSizeGreaterThanOrEqualTo(functions.size());
          return text;
        });
  }

  /** The code of a loaded module, in hexadecimal. */
  String moduleText(String module) {
    return inKernel(
        kernel -> {
          AddressRange text = kernel.module(module).orElseThrow().part(Kind.TEXT).orElseThrow();
          return HexFormat.of().formatHex(kernel.memory().bytes(text.start(), (int) text.size()));
        });
  }

  /** What is found in the guest's kernel. */
  <T> T inKernel(Function<RunningKernel, T> look) {
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      return look.apply(RunningKernel.attach(domain, settings.cache().resolve("running")));
    }
  }

  /** The refusal that an operation ends in; fails if it ends in anything else. */
  static Refusal refusal(ThrowingCallable operation) {
    Throwable failure = catchThrowable(operation);
    assertThat(failure).isNotNull();
    return Failures.refusal(failure)
        .orElseThrow(() -> new AssertionError("no refusal: " + failure, failure));
  }

  static <T extends Refusal> T refusal(Class<T> kind, ThrowingCallable operation) {
    Refusal refusal = refusal(operation);
    assertThat(refusal).as(refusal.message()).isInstanceOf(kind);
    return kind.cast(refusal);
  }
}
