package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.ShowStatus;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;

/** Several patches: one above another, in one transaction, in the place of others. */
class StackingTest {
  private static final Mechanism LOW = Mechanism.CMDLINE;
  private static final String HIGH = "callbacks"; // of the same function
  private static final Mechanism OTHER = Mechanism.UPTIME;
  private static final Mechanism THIRD = Mechanism.VERSION;
  private static final List<String> FUNCTIONS =
      List.of(LOW.function(), OTHER.function(), THIRD.function());

  private final TestGuest guest;
  private final Operator operator;
  private final Path low;
  private final Path high;
  private final Path other;
  private final Path third;
  private final String hostname;
  private Map<String, String> before = Map.of();

  @TempDir private Path folder = Path.of("");

  StackingTest(@Guest TestGuest guest) {
    this.guest = guest;
    this.operator = new Operator(guest);
    this.low = operator.bundle(LOW.recipe());
    this.high = Bundles.ofExample(HIGH, guest.release());
    this.other = operator.bundle(OTHER.recipe());
    this.third = operator.bundle(THIRD.recipe());
    this.hostname = guest.run("hostname");
  }

  @BeforeEach
  void remember() {
    before = operator.text(FUNCTIONS);
    guest.markKernelLog();
    guest.run("syscall_load 1 3600 >/dev/null 2>&1 & echo $! >/tmp/load.pid");
  }

  @AfterEach
  void nothingIsLeft() {
    guest.run("kill $(cat /tmp/load.pid); hostname " + hostname);
    operator.revertTogether();
    assertThat(operator.modules()).isEmpty();
    assertThat(operator.text(FUNCTIONS)).isEqualTo(before);
    guest.assertNoKernelWarnings();
  }

  @Test
  void patchesOfOneFunctionLieOnEachOtherAndComeOutFromTheTop() {
    operator.apply(low, Operator.PATIENCE);
    Map<String, String> withLow = operator.text(FUNCTIONS);
    operator.apply(high, Operator.PATIENCE);

    assertThat(guest.run("cat /proc/cmdline")).contains("lucos example").doesNotContain("cmdline");
    assertThat(states())
        .containsEntry(LOW.recipe(), "applied: covered by " + HIGH)
        .containsEntry(HIGH, "applied: redirected");
    operator.assertSound(2);
    assertThat(Operator.refusal(() -> operator.revert(LOW.recipe())))
        .isEqualTo(new StateRefusal.PatchDependedOn(LOW.recipe(), List.of(HIGH)));
    assertThat(Operator.refusal(() -> operator.replace(List.of(LOW.recipe()), third)))
        .isInstanceOf(StateRefusal.PatchDependedOn.class);
    operator.assertSound(2);

    operator.revert(HIGH);
    assertThat(operator.text(FUNCTIONS)).isEqualTo(withLow);
    assertThat(states()).containsExactly(Map.entry(LOW.recipe(), "applied: redirected"));
    LOW.assertSeen(guest);

    operator.apply(high, Operator.PATIENCE);
    assertThat(operator.revertTogether(LOW.recipe(), HIGH).patches()).hasSize(2);
    assertThat(operator.text(FUNCTIONS)).isEqualTo(before);
  }

  @Test
  void severalPatchesGoInInOnePauseOrNoneDoes() {
    guest.run("hostname not-now"); // the last of them refuses
    Operator.refusal(
        FitRefusal.CallbackFailed.class, () -> operator.applyTogether(third, low, high));
    assertThat(operator.modules()).isEmpty();
    assertThat(operator.text(FUNCTIONS)).isEqualTo(before);

    guest.run("hostname " + hostname);
    ApplyPatch.Outcome applied = operator.applyTogether(third, low, high);
    assertThat(applied.patches())
        .extracting(p -> p.patch())
        .containsExactly(THIRD.recipe(), LOW.recipe(), HIGH);
    THIRD.assertSeen(guest);
    assertThat(guest.run("cat /proc/cmdline")).contains("lucos example").doesNotContain("cmdline");
    assertThat(states())
        .containsEntry(LOW.recipe(), "applied: covered by " + HIGH)
        .containsEntry(HIGH, "applied: redirected");
    operator.assertSound(3);
    operator.revert(THIRD.recipe());
    operator.revert(HIGH);
    LOW.assertSeen(guest);
  }

  @Test
  void aReplacementTakesThePlaceOfAllOrOfThoseNamedInOnePause() {
    operator.applyTogether(low, other);
    guest.run("hostname not-now");
    Operator.refusal(FitRefusal.CallbackFailed.class, () -> operator.replace(List.of(), high));
    LOW.assertSeen(guest);
    OTHER.assertSeen(guest);
    operator.assertSound(2);

    guest.run("hostname " + hostname);
    ApplyPatch.Outcome replaced = operator.replace(List.of(), high);
    assertThat(replaced.replaced()).containsExactlyInAnyOrder(LOW.recipe(), OTHER.recipe());
    assertThat(guest.run("cat /proc/cmdline")).contains("lucos example").doesNotContain("cmdline");
    OTHER.assertNotSeen(guest);
    assertThat(states()).containsExactly(Map.entry(HIGH, "applied: redirected"));
    operator.assertSound(1);

    operator.apply(other, Operator.PATIENCE);
    operator.replace(List.of(HIGH), low);
    assertThat(states()).containsOnlyKeys(LOW.recipe(), OTHER.recipe());
    LOW.assertSeen(guest);
    OTHER.assertSeen(guest);
  }

  @Test
  void aNewerPatchOfTheSameNameGoesInOnlyInThePlaceOfTheOlder() {
    Path newer = Bundles.of(THIRD.recipe(), guest.release(), LOW.recipe());
    operator.apply(low, Operator.PATIENCE);
    var refusal =
        Operator.refusal(
            StateRefusal.AlreadyApplied.class, () -> operator.apply(newer, Operator.PATIENCE));
    assertThat(refusal.message()).contains("--replace");
    operator.replace(List.of(LOW.recipe()), newer);
    THIRD.assertSeen(guest);
    LOW.assertNotSeen(guest);
    assertThat(operator.modules()).hasSize(1);
  }

  @Test
  void aPatchGoesInAfterWhatItRequiresAndComesOutBefore() {
    Path needy = Rebundled.requiring(other, folder.resolve("needy"), List.of(LOW.recipe()));
    assertThat(Operator.refusal(() -> operator.apply(needy, Operator.PATIENCE)))
        .isEqualTo(new StateRefusal.RequirementMissing(OTHER.recipe(), List.of(LOW.recipe())));
    assertThat(operator.modules()).isEmpty();

    assertThat(operator.applyTogether(needy, low).patches())
        .extracting(ApplyPatch.Applied::patch)
        .containsExactly(LOW.recipe(), OTHER.recipe());
    assertThat(Operator.refusal(() -> operator.revert(LOW.recipe())))
        .isEqualTo(new StateRefusal.PatchDependedOn(LOW.recipe(), List.of(OTHER.recipe())));
    operator.revert(OTHER.recipe());
    operator.apply(needy, Operator.PATIENCE);
    operator.revertTogether(LOW.recipe(), OTHER.recipe());
    assertThat(operator.modules()).isEmpty();
  }

  @Test
  void nothingIsBegunThatCannotBeRecorded() throws IOException {
    Settings usual = operator.settings();
    Settings full =
        new Settings(
            usual.connection(),
            usual.cache(),
            Files.writeString(folder.resolve("state"), "a file where the directory should be"),
            usual.locks(),
            usual.recipes(),
            usual.keys(),
            usual.clock());
    ApplyPatch.Request request =
        new ApplyPatch.Request(guest.name(), low, Operator.PATIENCE, Operator.PATIENCE, false);
    var refusal =
        Operator.refusal(
            HostRefusal.AuditNotWritable.class,
            () -> new ApplyPatch(full).run(request, Progress.SILENT));
    assertThat(refusal.message()).contains(full.state().toString());
    assertThat(operator.modules()).isEmpty();
  }

  /** State of each patch and of its only function, by its name. */
  private Map<String, String> states() {
    Map<String, String> states = new TreeMap<>();
    for (ShowStatus.Patch patch : operator.patches()) {
      states.put(patch.patch(), patch.state() + ": " + patch.functions().get(0).state());
    }
    return states;
  }
}
