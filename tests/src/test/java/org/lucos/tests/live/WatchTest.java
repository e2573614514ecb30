package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.app.WatchGuests;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/** {@code lucos watch}: what happens to a guest is seen at one of the next looks. */
class WatchTest {
  private static final String ABSENT = "lucos-no-such-guest";
  private static final Mechanism GOOD = Mechanism.VERSION;
  private static final Mechanism BAD = Mechanism.HOSTNAME;
  private static final int MOST_LOOKS = 300;

  /** What is to be seen, and what is done when it has been. */
  private record Scene(Predicate<WatchGuests.View> seen, Runnable then) {}

  @Test
  void whatHappensToAGuestIsSeenAndThatAnotherIsNotThereChangesNothing() {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.1").withVcpus(2))) {
      Operator operator = new Operator(guest);
      Deque<Scene> scenes = new ArrayDeque<>();
      scenes.add(
          new Scene(
              view -> view.state().equals("healthy") && view.patches().isEmpty(),
              () -> operator.apply(GOOD.recipe())));
      scenes.add(
          new Scene(
              view -> view.state().equals("healthy") && isLast(view, "apply", GOOD),
              () -> {
                operator.apply(BAD.recipe());
                guest.run("hostname warn");
              }));
      scenes.add(
          new Scene(
              view ->
                  view.state().equals("unhealthy")
                      && view.reason().startsWith("warn in " + BAD.function()),
              () -> {
                operator.revert(BAD.recipe());
                operator.revert(GOOD.recipe());
              }));
      scenes.add(
          new Scene(
              view ->
                  view.state().equals("unhealthy") // that it was patched before makes nothing well
                      && view.patches().isEmpty()
                      && view.last().filter(o -> o.operation().equals("revert")).isPresent(),
              guest::close));
      scenes.add(new Scene(view -> view.state().equals("gone"), () -> {}));

      WatchGuests.Look last = watch(operator, guest.name(), scenes);
      assertThat(scenes).as("not seen; the last look was %s", last).isEmpty();
      assertThat(last.isWell()).isFalse();
    }
  }

  private static WatchGuests.Look watch(Operator operator, String guest, Deque<Scene> scenes) {
    int[] looks = {0};
    return new WatchGuests(operator.settings())
        .run(
            new WatchGuests.Request(
                List.of(ABSENT, guest), Duration.ofMillis(200), Duration.ofSeconds(10)),
            look -> {
              WatchGuests.View absent = look.guests().get(0);
              assertThat(absent.state()).isEqualTo("gone");
              assertThat(absent.reason()).contains(ABSENT);
              Scene scene = scenes.element();
              if (scene.seen().test(look.guests().get(1))) {
                System.out.println("  seen: " + look.guests().get(1));
                scenes.remove();
                scene.then().run();
              }
              return !scenes.isEmpty() && ++looks[0] < MOST_LOOKS;
            });
  }

  private static boolean isLast(WatchGuests.View view, String operation, Mechanism patch) {
    return view.patches().stream()
            .anyMatch(p -> p.patch().equals(patch.recipe()) && p.state().equals("applied"))
        && view.last()
            .filter(o -> o.operation().equals(operation) && o.longestMilliseconds() > 0)
            .isPresent();
  }
}
