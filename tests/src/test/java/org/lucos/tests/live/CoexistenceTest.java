package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;

/**
 * What the guest itself hangs on a function and a patch of the same function, in both orders: both
 * work, or one is refused by name.
 */
class CoexistenceTest {
  private static final Mechanism PATCH = Mechanism.UPTIME;
  private static final String FUNCTION = PATCH.function();
  private static final int SITE = 5; // behind the ftrace slot
  private static final int JUMP = 5;
  private static final String TRACING = "cd /sys/kernel/tracing; ";

  private final TestGuest guest;
  private final Operator operator;
  private Map<String, String> before = Map.of();

  CoexistenceTest(@Guest TestGuest guest) {
    this.guest = guest;
    this.operator = new Operator(guest);
  }

  @BeforeEach
  void remember() {
    before = text();
    guest.markKernelLog();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(operator.modules()).isEmpty();
    assertThat(text()).isEqualTo(before);
    PATCH.assertNotSeen(guest);
    assertThat(guest.run("cat /proc/sys/kernel/ftrace_enabled")).isEqualTo("1");
    guest.assertNoKernelWarnings();
  }

  @ParameterizedTest
  @EnumSource(Observer.class)
  void whatWatchesAFunctionAndAPatchOfItWorkTogetherInBothOrders(Observer observer) {
    observer.attach(guest, FUNCTION);
    try {
      assertCounts(observer, 2, 1);
      operator.apply(PATCH.recipe());
      PATCH.assertSeen(guest);
      assertCounts(observer, 3, 1);
      operator.revert(PATCH.recipe());
      PATCH.assertNotSeen(guest);
      assertCounts(observer, 2, 1);
    } finally {
      observer.detach(guest, FUNCTION);
    }
    operator.apply(PATCH.recipe());
    try {
      observer.attach(guest, FUNCTION);
      try {
        assertCounts(observer, 3, observer.seesReplacements() ? 2 : 1);
        PATCH.assertSeen(guest);
        operator.assertSound(1);
      } finally {
        observer.detach(guest, FUNCTION);
      }
      observer.attach(guest, FUNCTION);
    } finally {
      operator.revert(PATCH.recipe());
    }
    assertCounts(observer, 2, 1);
    observer.detach(guest, FUNCTION);
  }

  @Test
  void probeInTheBodyIsTakenOutOfTheWayAndHitAgainAfterTheRevert() {
    long probed = probeBehind(start() + SITE + JUMP + 3);
    try {
      assertThat(hitsOf(2)).isEqualTo(2);
      var applied = operator.apply(PATCH.recipe());
      assertThat(applied.patches().get(0).warnings())
          .anySatisfy(
              warning ->
                  assertThat(warning)
                      .contains(Long.toHexString(probed), "no longer be hit", FUNCTION));
      assertThat(hitsOf(2)).isZero();
      PATCH.assertSeen(guest);
      operator.revert(PATCH.recipe());
      assertThat(hitsOf(2)).isEqualTo(2);
    } finally {
      removeProbe();
    }
  }

  @Test
  void probeOnTheJumpIsHitAndKeepsThePatchInByNameWhetherArmedOrNot() {
    operator.apply(PATCH.recipe());
    long jump = start() + SITE;
    try {
      probe(jump);
      try {
        assertThat(hitsOf(3)).isEqualTo(3);
        PATCH.assertSeen(guest);
        assertKeptBy(jump);
        guest.run(TRACING + "echo 0 >events/kprobes/lucos_body/enable");
        assertKeptBy(jump);
      } finally {
        removeProbe();
      }
    } finally {
      operator.revert(PATCH.recipe());
    }
  }

  @Test
  void probeThatComesBetweenTheLastLookAndThePauseIsSeen() {
    AtomicInteger happened = new AtomicInteger();
    Operator late =
        new Operator(
            guest,
            operator
                .settings()
                .through(
                    uri -> new LastMoment(uri, "apply", () -> define(start() + SITE), happened)));
    try {
      var refusal =
          Operator.refusal(BusyRefusal.SiteProbed.class, () -> late.apply(PATCH.recipe()));
      assertThat(refusal.function()).isEqualTo(FUNCTION);
      assertThat(happened).hasValue(1);
    } finally {
      removeProbe();
    }
  }

  @Test
  void functionWithALivepatchIsRefusedByNameAndOneThatComesLaterIsTold(@TempDir Path folder) {
    GuestLivepatch livepatch = GuestLivepatch.bring(guest, folder);
    livepatch.enable();
    try {
      assertThat(Operator.refusal(() -> operator.apply(PATCH.recipe())))
          .isEqualTo(new BusyRefusal.FunctionLivepatched(FUNCTION, GuestLivepatch.MODULE));
      assertThat(operator.modules()).isEmpty();
      assertThat(livepatch.isInEffect()).isTrue();
    } finally {
      livepatch.disable();
    }
    operator.apply(PATCH.recipe());
    livepatch.enable();
    assertThat(operator.notes()).singleElement().asString().contains(GuestLivepatch.MODULE);
    assertThat(operator.problems()).singleElement().asString().contains(GuestLivepatch.MODULE);
    livepatch.disable();
    PATCH.assertSeen(guest);
    operator.assertSound(1);

    livepatch.enable();
    operator.revert(PATCH.recipe());
    assertThat(livepatch.isInEffect()).isTrue();
    livepatch.disable();
  }

  private void assertKeptBy(long jump) {
    operator.assertSound(1);
    String probe = Long.toHexString(jump);
    assertThat(operator.notes()).singleElement().asString().contains("kprobe", probe, FUNCTION);
    var refusal =
        Operator.refusal(BusyRefusal.SiteProbed.class, () -> operator.revert(PATCH.recipe()));
    assertThat(refusal.message()).contains(FUNCTION, probe);
    assertThat(refusal.function()).isEqualTo(FUNCTION);
    operator.assertSound(1);
  }

  private void assertCounts(Observer observer, int calls, int each) {
    int first = observer.calls(guest, FUNCTION);
    readUptime(calls);
    assertThat(observer.calls(guest, FUNCTION) - first).as("calls").isEqualTo(each * calls);
  }

  private void readUptime(int times) {
    guest.run("for i in $(seq " + times + "); do cat /proc/uptime >/dev/null; done");
  }

  private long start() {
    return Long.parseUnsignedLong(Observer.address(guest, FUNCTION).substring(2), 16);
  }

  /** Places a probe at the first place from here on where the kernel takes one. */
  private long probeBehind(long from) {
    for (long at = from; at < from + 15; at++) {
      if (attemptProbe(at)) {
        return at;
      }
    }
    throw new AssertionError("no instruction behind " + Long.toHexString(from));
  }

  private void probe(long at) {
    assertThat(attemptProbe(at)).as("the kernel takes a probe at %x", at).isTrue();
  }

  /** Makes a probe that is not armed: the text of the kernel stays as it is. */
  private void define(long at) {
    guest.run(TRACING + "echo 'p:lucos_body 0x" + Long.toHexString(at) + "' >>kprobe_events");
  }

  private boolean attemptProbe(long at) {
    String event = "p:lucos_body 0x" + Long.toHexString(at);
    return guest
            .attempt(
                TRACING
                    + "echo '"
                    + event
                    + "' >>kprobe_events && echo 1 >events/kprobes/lucos_body/enable")
            .status()
        == 0;
  }

  private void removeProbe() {
    guest.run(
        TRACING + "echo 0 >events/kprobes/lucos_body/enable; echo '-:lucos_body' >>kprobe_events");
  }

  /** How often the probe in the body is hit by so many reads. */
  private int hitsOf(int reads) {
    int first = hits();
    readUptime(reads);
    return hits() - first;
  }

  private int hits() {
    return Integer.parseInt(
        guest.run(TRACING + "awk '$1 == \"lucos_body\" { print $2 }' kprobe_profile"));
  }

  private Map<String, String> text() {
    return operator.text(List.of(FUNCTION));
  }
}
