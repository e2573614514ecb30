package org.lucos.tests.faults;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.patcher.app.Progress;

/**
 * Counts the points of one run of an operation at which something can go wrong, and makes it go
 * wrong at one of them, once.
 */
final class Faults implements Progress {
  /** What the operation does at a point. */
  enum Place {
    /** Asks QEMU's monitor, or libvirt for its job. */
    MONITOR,
    /** Reads the registers of a stopped guest. */
    REGISTERS,
    /** Tells the watchdog what is about to be written. */
    ANNOUNCE,
    /** Writes kernel text or data through the debug port. */
    WRITE,
    /** Writes a buffer that the guest does not know of. */
    BUFFER,
    /** Lets the guest run. */
    RESUME,
    /** Reads guest memory. */
    READ,
    /** Creates, writes, syncs, moves or deletes a record of this host. */
    FILE
  }

  /** What goes wrong. */
  enum Kind {
    /** It fails, and nothing is done. */
    BEFORE,
    /** It fails in the midst of it: half the writes, half the bytes. */
    PARTLY,
    /** It is done, but a failure is reported. */
    AFTER,
    /** It takes longer than the watchdog waits. */
    HANG,
    /** The debug port is closed by somebody. */
    PORT_CLOSED,
    /** The watchdog is killed (signal 9). */
    WATCHDOG_KILLED
  }

  /**
   * A point.
   *
   * @param number from 0 on, among those of the same place
   * @param phase of the operation
   * @param what for people
   */
  record Point(Place place, int number, String phase, String what) {}

  /** What the test does to the machinery behind the operation's back. */
  interface Machinery {
    /** Does what a kind says that is not a failure of the call itself. */
    void disturb(Kind kind);
  }

  private final Machinery machinery;
  private final Optional<Point> where;
  private final Optional<Kind> kind;
  private final Map<Place, Integer> counts = new EnumMap<>(Place.class);
  private final List<Point> points = new ArrayList<>();
  private String phase = "open";
  private boolean met;

  private Faults(Machinery machinery, Optional<Point> where, Optional<Kind> kind) {
    this.machinery = machinery;
    this.where = where;
    this.kind = kind;
  }

  /** Only counts. */
  static Faults none() {
    return new Faults(
        kind -> {
          throw new IllegalStateException("nothing is to be disturbed");
        },
        Optional.empty(),
        Optional.empty());
  }

  /** Makes this go wrong at this point. */
  static Faults at(Point point, Kind kind, Machinery machinery) {
    return new Faults(machinery, Optional.of(point), Optional.of(kind));
  }

  /**
   * The operation is at a point.
   *
   * @return what is to go wrong with the call itself
   */
  Optional<Kind> arrive(Place place, String what) {
    int number = counts.merge(place, 1, Integer::sum) - 1;
    points.add(new Point(place, number, phase, what));
    boolean here = where.filter(p -> p.place() == place && p.number() == number).isPresent();
    if (!here || met) {
      return Optional.empty();
    }
    met = true;
    Kind now = kind.orElseThrow();
    if (now == Kind.BEFORE || now == Kind.PARTLY || now == Kind.AFTER) {
      return Optional.of(now);
    }
    machinery.disturb(now);
    return Optional.empty();
  }

  /** The points so far, in order. */
  List<Point> points() {
    return List.copyOf(points);
  }

  /** Whether the operation came to the point. */
  boolean met() {
    return met;
  }

  @Override
  public void phase(String name) {
    phase = name;
  }

  @Override
  public void detail(String text) {}

  /** The kinds that make sense at a place. */
  static List<Kind> kinds(Place place) {
    return switch (place) {
      case MONITOR -> List.of(Kind.BEFORE, Kind.AFTER);
      case REGISTERS, ANNOUNCE ->
          List.of(Kind.BEFORE, Kind.PORT_CLOSED, Kind.WATCHDOG_KILLED, Kind.HANG);
      case WRITE -> List.of(Kind.values());
      case BUFFER -> List.of(Kind.BEFORE, Kind.PARTLY, Kind.AFTER);
      case RESUME -> List.of(Kind.AFTER, Kind.PORT_CLOSED, Kind.WATCHDOG_KILLED, Kind.HANG);
      case READ -> List.of(Kind.BEFORE);
      case FILE -> List.of(Kind.BEFORE, Kind.PARTLY, Kind.AFTER);
    };
  }
}
