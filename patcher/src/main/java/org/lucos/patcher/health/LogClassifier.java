package org.lucos.patcher.health;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.kernel.LogRecord;

/**
 * Finds troubles in a kernel log that is read piece by piece. Messages of different threads
 * interleave; each carries who made it, so a trouble's lines are told from others'.
 *
 * <p>The first lines are those of kernel/panic.c, lib/bug.c, arch/x86/kernel/{traps,dumpstack}.c,
 * arch/x86/mm/fault.c, kernel/watchdog.c, kernel/rcu/tree_stall.h and kernel/hung_task.c. Whatever
 * else begins with {@code BUG:} is taken for one.
 */
public final class LogClassifier {
  private static final int MOST_LINES = 60;
  private static final int MOST_FRAMES = 64;
  private static final int MOST_TROUBLES = 1000;

  /** A trouble is over this long after its first line: the kernel prints it in one go. */
  private static final long LONGEST_NANOS = 5_000_000_000L;

  private static final Map<Pattern, TroubleKind> FIRST_LINES = firstLines();

  /** Begins a trouble whose first words come after it. */
  private static final String CUT = "------------[ cut here ]------------";

  private static final Pattern END = Pattern.compile("^---\\[ end (trace|Kernel panic)");

  /** Lines of an oops that begin ones of other kinds when they stand alone. */
  private static final Pattern CONTINUES =
      Pattern.compile("^(Oops|invalid opcode|general protection|kernel BUG at|WARNING: )");

  private static final Pattern SITE = Pattern.compile("^(RIP: |WARNING: .* at )");

  private final Map<Long, Open> open = new LinkedHashMap<>();
  private final List<Open> found = new ArrayList<>();

  private static Map<Pattern, TroubleKind> firstLines() {
    Map<Pattern, TroubleKind> lines = new LinkedHashMap<>();
    lines.put(Pattern.compile("^(watchdog: )?BUG: soft lockup"), TroubleKind.SOFT_LOCKUP);
    lines.put(
        Pattern.compile("Watchdog detected hard LOCKUP|hard LOCKUP on cpu"),
        TroubleKind.HARD_LOCKUP);
    lines.put(
        Pattern.compile(
            "^(rcu: )?(INFO: )?rcu\\w* (self-detected stall|detected (expedited )?stalls)"),
        TroubleKind.RCU_STALL);
    lines.put(Pattern.compile("^INFO: task .* blocked for more than"), TroubleKind.HUNG_TASK);
    lines.put(Pattern.compile("^Kernel panic - not syncing"), TroubleKind.PANIC);
    lines.put(
        Pattern.compile("^BUG: (kernel NULL pointer dereference|unable to handle)"),
        TroubleKind.OOPS);
    lines.put(Pattern.compile("^kernel BUG at |^BUG: |^BUG "), TroubleKind.BUG);
    lines.put(
        Pattern.compile(
            "^(Oops: |general protection fault|traps: PANIC: )|^[a-z][\\w ]*: [0-9a-f]{4} \\[#\\d+\\]"),
        TroubleKind.OOPS);
    lines.put(Pattern.compile("^WARNING: .*\\bat "), TroubleKind.WARN);
    return lines;
  }

  /** Goes on with what was logged since. */
  public void add(List<LogRecord> records) {
    for (LogRecord record : records) {
      if (record.facility() != 0) {
        continue; // what a program wrote to /dev/kmsg tells nothing of the kernel
      }
      for (String line : record.text().split("\n", -1)) {
        add(record, line);
      }
    }
  }

  /** All troubles so far, in the order in which they began. */
  public List<Trouble> troubles() {
    return found.stream().filter(Open::isKnown).map(Open::close).toList();
  }

  private void add(LogRecord record, String line) {
    Open present = open.get(record.caller());
    if (present != null && record.nanoseconds() - present.began > LONGEST_NANOS) {
      open.remove(record.caller());
      present = null;
    }
    if (line.equals(CUT)) {
      begin(record);
      return;
    }
    Optional<TroubleKind> kind = kindOf(line);
    if (kind.isPresent() && (present == null || present.isAnother(kind.get(), line))) {
      present = begin(record);
    }
    if (present == null) {
      return;
    }
    present.add(kind, line);
    if (END.matcher(line).find()) {
      open.remove(record.caller());
    }
  }

  private Open begin(LogRecord record) {
    Open next = new Open(record);
    open.put(record.caller(), next);
    found.add(next);
    if (found.size() > MOST_TROUBLES) {
      found.remove(0);
    }
    return next;
  }

  private static Optional<TroubleKind> kindOf(String line) {
    return FIRST_LINES.entrySet().stream()
        .filter(entry -> entry.getKey().matcher(line).find())
        .map(Map.Entry::getValue)
        .findFirst();
  }

  /** A trouble whose lines are still coming. */
  private static final class Open {
    private final long seq;
    private final long began;
    private final String time;
    private final List<String> lines = new ArrayList<>();
    private final List<TraceFrame> trace = new ArrayList<>();
    private @Nullable TroubleKind kind;
    private String text = "";
    private @Nullable TraceFrame place;

    Open(LogRecord record) {
      this.seq = record.seq();
      this.began = record.nanoseconds();
      this.time = record.time().strip();
    }

    boolean isKnown() {
      return kind != null;
    }

    /** Whether a first line is not one of this trouble. */
    boolean isAnother(TroubleKind next, String line) {
      return kind != null
          && next != kind
          && (next == TroubleKind.PANIC || !CONTINUES.matcher(line).find());
    }

    void add(Optional<TroubleKind> known, String line) {
      if (lines.size() < MOST_LINES) {
        lines.add(line);
      }
      if (kind == null && known.isPresent()) {
        kind = known.get();
        text = kind == TroubleKind.WARN ? lines.get(0) : line; // what WARN() says comes before it
      }
      if (place == null && SITE.matcher(line).find()) {
        place = TraceFrame.in(line).orElse(null);
      }
      if (trace.size() < MOST_FRAMES) {
        TraceFrame.ofLine(line).ifPresent(trace::add);
      }
    }

    Trouble close() {
      TroubleKind known = kind == null ? TroubleKind.BUG : kind;
      Optional<TraceFrame> where = Optional.ofNullable(place);
      if (where.isEmpty() && known == TroubleKind.HUNG_TASK) {
        where = trace.stream().filter(Open::isNoScheduler).findFirst();
      }
      return new Trouble(known, seq, time, text, where, trace, lines);
    }

    private static boolean isNoScheduler(TraceFrame frame) {
      return frame.sure() && !frame.function().matches("(__|io_)?schedule(_\\w+)?");
    }
  }
}
