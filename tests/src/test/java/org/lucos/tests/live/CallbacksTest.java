package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.ShowStatus;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Callbacks of patches run in the guest, in livepatch's order, whatever becomes of us. */
class CallbacksTest {
  private static final Logger LOG = LoggerFactory.getLogger(CallbacksTest.class);
  private static final String PATCH = "callbacks";
  private static final List<String> FUNCTIONS = List.of("cmdline_proc_show");

  /** Whom to kill, and up to how many milliseconds into which phase. */
  private record Moment(boolean revert, String phase, int within) {}

  private static final List<Moment> MOMENTS =
      List.of(
          new Moment(false, "pre_patch", 400),
          new Moment(false, "post_patch", 0),
          new Moment(true, "pre_unpatch", 400),
          new Moment(true, "unload module", 400));

  @Test
  void aPrePatchThatSaysNoLeavesTheGuestAsItWas(@Guest(vcpus = 2) TestGuest guest) {
    Operator operator = new Operator(guest);
    Path bundle = Bundles.ofExample(PATCH, guest.release());
    Map<String, String> before = operator.text(FUNCTIONS);
    String name = guest.run("hostname");
    guest.markKernelLog();
    guest.run("hostname not-now");
    FitRefusal.CallbackFailed refusal =
        Operator.refusal(
            FitRefusal.CallbackFailed.class, () -> operator.apply(bundle, Operator.PATIENCE));
    guest.run("hostname " + name);

    assertThat(refusal.function()).isEqualTo("example_may_start");
    assertThat(refusal.error()).isEqualTo(-16);
    assertThat(operator.modules()).isEmpty();
    assertThat(operator.text(FUNCTIONS)).isEqualTo(before);
    assertThat(told(guest)).isEmpty();
    guest.assertNoKernelWarnings();
  }

  @Test
  void callbacksRunOnceEachAndInPairsThoughControllersAreKilled(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    Operator operator = new Operator(guest);
    Path bundle = Bundles.ofExample(PATCH, guest.release());
    Map<String, String> before = operator.text(FUNCTIONS);
    Random random = new Random(20_261_121);
    for (Moment moment : MOMENTS) {
      guest.markKernelLog();
      if (moment.revert()) {
        operator.apply(bundle, Operator.PATIENCE);
      }
      int delay = random.nextInt(moment.within() + 1);
      ControllerKilledTest.killAfter(
          guest,
          moment.revert() ? PATCH : bundle.toString(),
          moment.revert(),
          moment.phase(),
          delay);
      ControllerKilledTest.awaitRunning(guest);
      List<ShowStatus.Patch> left = operator.patches();
      LOG.info("killed {} ms into {}: {}", delay, moment, told(guest));
      if (!left.isEmpty()) {
        operator.revert(PATCH);
      }

      assertThat(told(guest)).as("%s", moment).isIn(cycles());
      assertThat(operator.modules()).isEmpty();
      assertThat(operator.text(FUNCTIONS)).isEqualTo(before);
      guest.assertNoKernelWarnings();
    }
  }

  @Test
  void aCallbackThatTakesTooLongIsReportedAndTheGuestGoesOn(@Guest(vcpus = 2) TestGuest guest) {
    Operator operator = new Operator(guest);
    Path bundle = operator.bundle("callback-sleeps");
    guest.markKernelLog();
    BusyRefusal.CallbackUnfinished refusal =
        Operator.refusal(
            BusyRefusal.CallbackUnfinished.class,
            () ->
                new ApplyPatch(operator.settings())
                    .run(
                        new ApplyPatch.Request(
                            guest.name(),
                            bundle,
                            Operator.PATIENCE,
                            Duration.ofSeconds(5),
                            false,
                            Duration.ofSeconds(1),
                            false,
                            false),
                        Progress.SILENT));

    assertThat(refusal.function()).isEqualTo("lucos_takes_its_time");
    assertThat(operator.patches())
        .singleElement()
        .satisfies(
            patch -> {
              assertThat(patch.state()).isEqualTo("loaded");
              assertThat(patch.callbacks().stream().map(ShowStatus.Callback::state))
                  .contains("begun", "not run");
            });
    Mechanism.FILESYSTEMS.assertNotSeen(guest);
    operator.revert("callback-sleeps"); // waits until the guest is done with it
    assertThat(guest.newKernelLog().lines().stream().filter(line -> line.contains("lucos slow")))
        .satisfiesExactly(
            line -> assertThat(line).contains("pre_patch begins"),
            line -> assertThat(line).contains("pre_patch ends"),
            line -> assertThat(line).contains("post_unpatch"));
    assertThat(operator.modules()).isEmpty();
    guest.assertNoKernelWarnings();
  }

  /** What a whole life of a patch, or one given up before its switch, tells. */
  private static List<List<String>> cycles() {
    return List.of(
        List.of(),
        List.of("pre_patch", "post_unpatch"),
        List.of("pre_patch", "post_patch", "pre_unpatch", "post_unpatch"));
  }

  private static List<String> told(TestGuest guest) {
    String mark = "lucos example: ";
    return guest.newKernelLog().lines().stream()
        .filter(line -> line.contains(mark))
        .flatMap(line -> Stream.of(line.substring(line.indexOf(mark) + mark.length()).strip()))
        .toList();
  }
}
