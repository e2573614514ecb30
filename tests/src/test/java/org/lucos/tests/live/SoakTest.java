package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.app.Failures;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Patches come, go, and lie on each other at random in a guest under load (see {@link Load} for
 * what stands in for stress-ng), in which tracers and probes are switched on and off at the same
 * functions. After each round they are held, and the text is compared byte for byte. {@code
 * -Dlucos.soak} says for how long ({@code 60m}), {@code -Dlucos.soak.seed} repeats a choice.
 */
class SoakTest {
  private static final Logger LOG = LoggerFactory.getLogger(SoakTest.class);
  private static final Duration TIME =
      Duration.parse("PT" + System.getProperty("lucos.soak", "20s"));
  private static final long SEED = Long.getLong("lucos.soak.seed", new Random().nextLong());
  private static final int STEPS_A_ROUND = 3;
  private static final List<Mechanism> BASES =
      List.of(
          Mechanism.CMDLINE,
          Mechanism.UPTIME,
          Mechanism.VERSION,
          Mechanism.LSEEK,
          Mechanism.GETSOCKNAME,
          Mechanism.NANOSLEEP,
          Mechanism.DIRECTORY);

  /** Of these a second patch lies on the first. */
  private static final List<Mechanism> DOUBLE = List.of(Mechanism.CMDLINE, Mechanism.LSEEK);

  /**
   * A patch.
   *
   * @param name its own
   * @param mechanism what it does
   */
  private record Choice(String name, Mechanism mechanism, Path bundle) {}

  private final TestGuest guest;
  private final Operator operator;
  private final Random random = new Random(SEED);
  private final List<Choice> absent = new ArrayList<>();
  private final List<Choice> applied = new ArrayList<>(); // those below first
  private final Map<String, Integer> refused = new TreeMap<>();
  private Map<String, String> before = Map.of();
  private int operations;
  private int rounds;

  SoakTest(@Guest(vcpus = 2, inTurn = true) TestGuest guest) {
    this.guest = guest;
    this.operator = new Operator(guest);
  }

  @Test
  void patchesComeAndGoWhileTracersAndProbesDo() {
    LOG.info("soak: seconds={}, lucos.soak.seed={}", TIME.toSeconds(), SEED);
    BASES.forEach(m -> absent.add(new Choice(m.recipe(), m, operator.bundle(m.recipe()))));
    for (Mechanism m : DOUBLE) {
      String name = m.recipe() + "-again";
      absent.add(new Choice(name, m, Bundles.of(m.recipe(), guest.release(), name)));
    }
    List<String> functions = BASES.stream().map(Mechanism::function).toList();
    before = operator.text(functions);
    Map<String, GuestVirtualAddress> places =
        operator.inKernel(
            kernel ->
                functions.stream()
                    .collect(
                        Collectors.toMap(name -> name, name -> kernel.symbols().address(name))));
    guest.markKernelLog();
    try (Load load = new Load(guest)) {
      try (Toggler toggler = new Toggler(guest, places)) {
        long end = System.nanoTime() + TIME.toNanos();
        while (System.nanoTime() < end || rounds < 2) {
          for (int step = 0; step < STEPS_A_ROUND; step++) {
            step();
          }
          toggler.hold(this::assertOldOrNew);
          guest.assertNoKernelWarnings();
          rounds++;
        }
        LOG.info(
            "soak: seed={}, seconds={}, rounds={}, operations={}, refused={}, toggled={}, bodies={}",
            SEED,
            TIME.toSeconds(),
            rounds,
            operations,
            refused,
            toggler.rounds(),
            toggler.bodies());
        assertThat(toggler.rounds()).isPositive();
        assertThat(toggler.bodies()).isPositive();
        assertThat(toggler.errors()).isEmpty();
      }
      load.assertUntroubled();
      operator.revertTogether();
      applied.clear();
    } finally {
      rescue();
    }
    assertThat(operator.modules()).isEmpty();
    operator.assertSound(0);
    assertThat(operator.text(functions)).as("seed %d", SEED).isEqualTo(before);
    guest.assertNoKernelWarnings();
  }

  private void step() {
    boolean apply = applied.isEmpty() || (!absent.isEmpty() && random.nextInt(5) < 3);
    if (apply) {
      int count = Math.min(absent.size(), 1 + random.nextInt(2));
      List<Choice> some = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        some.add(absent.remove(random.nextInt(absent.size())));
      }
      Path[] bundles = some.stream().map(Choice::bundle).toArray(Path[]::new);
      if (happens(() -> operator.applyTogether(bundles))) {
        applied.addAll(some);
      } else {
        absent.addAll(some);
      }
    } else {
      List<Choice> leaving =
          random.nextInt(8) == 0 ? List.copyOf(applied) : List.of(topmost(random));
      String[] names = leaving.stream().map(Choice::name).toArray(String[]::new);
      if (happens(() -> operator.revertTogether(names))) {
        applied.removeAll(leaving);
        absent.addAll(leaving);
      }
    }
    Mechanism looked = BASES.get(random.nextInt(BASES.size()));
    if (applied.stream().anyMatch(choice -> choice.mechanism().equals(looked))) {
      looked.assertSeen(guest);
    } else {
      looked.assertNotSeen(guest);
    }
  }

  /** Every function's text is its own, or its own with the jump of the uppermost of its patches. */
  private void assertOldOrNew() {
    operator.assertSound(applied.size());
    Map<String, String> now = operator.text(BASES.stream().map(Mechanism::function).toList());
    List<GuestPatch.Site> sites =
        operator.inKernel(
            kernel -> GuestPatch.all(kernel).stream().flatMap(p -> p.sites().stream()).toList());
    for (GuestPatch.Site site : sites) {
      assertThat(site.isTaken()).as("%s, seed %d", site, SEED).isTrue();
      if (site.state() == GuestPatch.SiteState.REDIRECTED) {
        now.replaceAll((part, text) -> withoutJump(part, text, site));
      }
    }
    assertThat(sites).hasSizeGreaterThanOrEqualTo(applied.size());
    assertThat(now).as("seed %d, %s", SEED, applied).isEqualTo(before);
  }

  private static String withoutJump(String part, String text, GuestPatch.Site site) {
    long start = Long.parseUnsignedLong(part.substring(part.lastIndexOf("0x") + 2), 16);
    long at = 2 * (site.redirect().at().value() - start);
    String jump = HexFormat.of().formatHex(site.redirect().replacement());
    if (at < 0 || at + jump.length() > text.length()) {
      return text;
    }
    assertThat(text.substring((int) at)).as(part).startsWith(jump);
    String own = HexFormat.of().formatHex(site.target().ownBytes());
    return text.substring(0, (int) at) + own + text.substring((int) at + jump.length());
  }

  /** A patch that no other lies on. */
  private Choice topmost(Random choice) {
    List<Choice> tops = new ArrayList<>();
    for (int i = 0; i < applied.size(); i++) {
      Mechanism mechanism = applied.get(i).mechanism();
      if (applied.stream().skip(i + 1L).noneMatch(above -> above.mechanism().equals(mechanism))) {
        tops.add(applied.get(i));
      }
    }
    return tops.get(choice.nextInt(tops.size()));
  }

  /** Whether it is done; it may be refused only because somebody is in the way just now. */
  private boolean happens(ThrowingCallable operation) {
    operations++;
    Throwable failure = catchThrowable(operation);
    if (failure == null) {
      return true;
    }
    Refusal refusal =
        Failures.refusal(failure)
            .orElseThrow(() -> new AssertionError("seed " + SEED + ": " + failure, failure));
    assertThat(refusal).as("seed %d: %s", SEED, refusal.message()).isInstanceOf(BusyRefusal.class);
    LOG.info("soak: refused: {}", refusal.message());
    refused.merge(refusal.code(), 1, Integer::sum);
    return false;
  }

  /** After a failure the guest is for other tests as it was before. */
  private void rescue() {
    if (!applied.isEmpty()) {
      operator.revertTogether();
    }
  }
}
