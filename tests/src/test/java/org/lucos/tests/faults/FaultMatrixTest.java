package org.lucos.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.tests.faults.Faults.Kind;
import org.lucos.tests.faults.Faults.Place;
import org.lucos.tests.faults.Faults.Point;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.Repository;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One fault at every point of an apply and of a revert of a patch with two sites: the guest runs
 * on, both sites are old or both are new, the status tells which, {@code recover} says what it did,
 * and the next run succeeds. Which of the points depends on {@code -Dlucos.faults}: a number, or
 * {@code all}.
 */
class FaultMatrixTest {
  private static final Logger LOG = LoggerFactory.getLogger(FaultMatrixTest.class);
  private static final String USUAL = "36";
  private static final int AT_LEAST = 12;
  private static final int MOST_READS = 40;
  private static final Duration USUAL_TIME = Duration.ofSeconds(90);
  private static final Path REPORT = Repository.root().resolve("tests/target/faults");

  /** A point with what goes wrong there. */
  record Case(Point point, Kind kind) {}

  @Test
  void everyFaultLeavesTheOldOrTheNewAndTheNextRunSucceeds(@Guest TestGuest guest)
      throws IOException {
    FaultedGuest faulted = new FaultedGuest(guest, REPORT);
    guest.markKernelLog();
    guest.run("syscall_load 1 7200 >/dev/null 2>&1 & echo $! >/tmp/load.pid");
    FaultMatrix matrix = new FaultMatrix();
    try {
      Faults apply = Faults.none();
      faulted.apply(apply, false);
      Faults revert = Faults.none();
      faulted.revert(revert, false);
      matrix.points("apply", apply.points());
      matrix.points("revert", revert.points());
      run(
          faulted,
          matrix,
          chosen(apply.points(), matrix.random),
          chosen(revert.points(), matrix.random));
      faulted.assertClean();
    } finally {
      matrix.write(REPORT);
      guest.run("kill $(cat /tmp/load.pid)");
    }
    LOG.info("{}", matrix.summary());
    assertThat(matrix.wrong()).isEmpty();
    assertThat(matrix.met()).isGreaterThanOrEqualTo(AT_LEAST);
    guest.assertNoKernelWarnings();
  }

  /** Takes turns: a case of the apply leads to an applied patch, one of the revert to none. */
  private static void run(
      FaultedGuest guest, FaultMatrix matrix, List<Case> apply, List<Case> revert) {
    String asked = System.getProperty("lucos.faults", USUAL);
    boolean all = asked.equals("all");
    int most = all ? Integer.MAX_VALUE : Integer.parseInt(asked);
    boolean usual = asked.equals(USUAL);
    long start = System.nanoTime();
    for (int i = 0; i < Math.max(apply.size(), revert.size()) && 2 * i < most; i++) {
      boolean late = System.nanoTime() - start > USUAL_TIME.toNanos();
      if (usual && late && matrix.met() >= AT_LEAST) {
        LOG.info("{} cases took {} s: the rest is left", 2 * i, USUAL_TIME.toSeconds());
        return;
      }
      matrix.add("apply", guest.faulty(true, i < apply.size() ? apply.get(i) : null));
      matrix.add("revert", guest.faulty(false, i < revert.size() ? revert.get(i) : null));
    }
  }

  /** All cases, so that a beginning of the list has something of each place. */
  private static List<Case> chosen(List<Point> points, Random random) {
    Map<Place, List<Case>> cases = new EnumMap<>(Place.class);
    for (Point point : points) {
      for (Kind kind : Faults.kinds(point.place())) {
        boolean partly = kind == Kind.PARTLY && point.place() == Place.FILE;
        if (!partly || point.what().startsWith("write")) {
          cases.computeIfAbsent(point.place(), p -> new ArrayList<>()).add(new Case(point, kind));
        }
      }
    }
    cases.values().forEach(list -> Collections.shuffle(list, random));
    // what the guest is written by, and what the records are, comes more often than what is read
    List<Place> turns =
        List.of(
            Place.WRITE,
            Place.FILE,
            Place.MONITOR,
            Place.WRITE,
            Place.RESUME,
            Place.ANNOUNCE,
            Place.FILE,
            Place.BUFFER,
            Place.READ,
            Place.REGISTERS);
    List<Case> order = new ArrayList<>();
    while (cases.entrySet().stream()
        .anyMatch(entry -> entry.getKey() != Place.READ && !entry.getValue().isEmpty())) {
      for (Place turn : turns) {
        List<Case> left = cases.getOrDefault(turn, List.of());
        if (!left.isEmpty()) {
          order.add(left.remove(left.size() - 1));
        }
      }
    }
    List<Case> left = cases.getOrDefault(Place.READ, List.of());
    order.addAll(left.subList(0, Math.min(left.size(), MOST_READS))); // of thousands
    return order;
  }
}
