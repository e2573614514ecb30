package org.lucos.patcher.app;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.health.LogClassifier;
import org.lucos.patcher.health.PatchedCode;
import org.lucos.patcher.health.Taint;
import org.lucos.patcher.health.Trouble;
import org.lucos.patcher.kernel.KernelCondition;
import org.lucos.patcher.kernel.LogReading;
import org.lucos.patcher.kernel.LogRecord;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.transaction.GuestPatch;

/** Shows the kernel log of a guest, read from its memory while it runs. */
public final class ShowLog {
  /** Names of levels, the gravest first. */
  public static final List<String> LEVELS = LogRecord.levels();

  /** More than fit into the log of a guest that did not ask for a large one. */
  private static final int MOST = 200_000;

  private static final Duration INTERVAL = Duration.ofMillis(200);

  private final Settings settings;

  /** Works with these settings. */
  public ShowLog(Settings settings) {
    this.settings = settings;
  }

  /**
   * What is asked.
   *
   * @param guest name, UUID or id
   * @param since number of the first message that is wanted
   * @param levels names of the levels that are wanted; all if empty
   * @param follow go on with what is logged later; how long at most, or without end if zero
   */
  public record Request(String guest, long since, Set<String> levels, Optional<Duration> follow) {
    /** Copies the set. */
    public Request {
      levels = Set.copyOf(levels);
    }

    boolean wants(Message message) {
      return levels.isEmpty() || levels.contains(message.level());
    }
  }

  /**
   * One message.
   *
   * @param seq its number, from 0 at boot
   * @param time seconds since boot, as {@code dmesg} prints them
   * @param level {@code emerg} to {@code debug}
   * @param facility who made it, as syslog counts; 0 is the kernel
   * @param text one or more lines
   */
  public record Message(long seq, String time, String level, int facility, String text) {
    static Message of(LogRecord record) {
      return new Message(
          record.seq(),
          record.time().strip(),
          record.levelName(),
          record.facility(),
          record.text());
    }
  }

  /**
   * A trouble that the log tells of.
   *
   * @param kind such as {@code oops} or {@code warn}
   * @param seq number of the message it begins with
   * @param time when it was first seen by the guest
   * @param text one line
   * @param function where it happened; empty if the kernel does not say
   * @param where {@code inside} code of a patch, {@code near} it, or {@code elsewhere}
   */
  public record Found(
      String kind, long seq, String time, String text, String function, String where) {
    static Found of(Trouble trouble, PatchedCode code) {
      return new Found(
          trouble.kind().label(),
          trouble.seq(),
          trouble.time(),
          trouble.text(),
          trouble.place().map(Object::toString).orElse(""),
          trouble.nearness(code).name().toLowerCase(Locale.ROOT));
    }
  }

  /**
   * What was found.
   *
   * @param messages oldest first; none if they were followed, and so are told already
   * @param next number to go on from
   * @param lost messages that the guest had overwritten
   * @param damaged messages that made no sense
   */
  public record Outcome(
      Report.Guest guest,
      List<Message> messages,
      long next,
      long lost,
      long damaged,
      List<Found> troubles,
      Condition condition) {
    /** Copies the lists. */
    public Outcome {
      messages = List.copyOf(messages);
      troubles = List.copyOf(troubles);
    }
  }

  /**
   * What the kernel says of itself.
   *
   * @param taint letters of its taint, as it prints them; empty if it is not tainted
   * @param taints what they mean
   * @param panic the CPU that is in a panic; empty if none is
   * @param panicTimeoutSeconds until it reboots after a panic; 0 never, negative at once
   * @param oopsInProgress whether an oops is being printed
   * @param rcuStalled whether RCU waits longer than the kernel finds right
   * @param gracePeriodMilliseconds how long RCU's grace period goes on; empty if there is none
   */
  public record Condition(
      String taint,
      List<String> taints,
      Optional<Integer> panic,
      int panicTimeoutSeconds,
      boolean oopsInProgress,
      boolean rcuStalled,
      Optional<Double> gracePeriodMilliseconds) {
    /** Copies the list. */
    public Condition {
      taints = List.copyOf(taints);
    }

    static Condition of(KernelCondition now) {
      List<Taint> taints = Taint.of(now.taint());
      return new Condition(
          taints.stream().map(t -> String.valueOf(t.letter())).collect(Collectors.joining()),
          taints.stream().map(Taint::meaning).toList(),
          now.panicCpu().isPresent() ? Optional.of(now.panicCpu().getAsInt()) : Optional.empty(),
          now.panicTimeout(),
          now.oopsInProgress() != 0,
          now.hasStalled(),
          now.gracePeriod().map(Report::millis));
    }
  }

  /**
   * Reads the log.
   *
   * @param each told of every message as soon as it is read, if the log is followed
   */
  public Outcome run(Request request, Consumer<Message> each) {
    try (GuestSession session = GuestSession.reading(settings, request.guest())) {
      return new Run(request, session, each).read();
    }
  }

  /** The code of all patches in a guest. */
  static PatchedCode patched(RunningKernel kernel) {
    List<GuestPatch> patches = GuestPatch.all(kernel);
    return new PatchedCode(
        patches.stream().map(patch -> patch.module().name()).collect(Collectors.toSet()),
        patches.stream()
            .flatMap(patch -> patch.sites().stream())
            .map(site -> site.target().function())
            .collect(Collectors.toSet()));
  }

  private static final class Run {
    private final Request request;
    private final GuestSession session;
    private final Consumer<Message> each;
    private final LogClassifier classifier = new LogClassifier();
    private final List<Message> messages = new ArrayList<>();
    private long next;
    private long lost;
    private long damaged;

    Run(Request request, GuestSession session, Consumer<Message> each) {
      this.request = request;
      this.session = session;
      this.each = each;
      this.next = request.since();
    }

    Outcome read() {
      look();
      request.follow().ifPresent(this::follow);
      RunningKernel kernel = session.kernel();
      PatchedCode code = patched(kernel);
      return new Outcome(
          session.describe(),
          messages,
          next,
          lost,
          damaged,
          classifier.troubles().stream().map(trouble -> Found.of(trouble, code)).toList(),
          Condition.of(kernel.condition()));
    }

    private void follow(Duration limit) {
      long start = System.nanoTime();
      while (limit.isZero() || System.nanoTime() - start < limit.toNanos()) {
        try {
          Thread.sleep(INTERVAL.toMillis());
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        }
        session.kernel().memory().forgetTranslations();
        look();
      }
    }

    private void look() {
      try {
        LogReading reading = session.kernel().log().read(next, MOST);
        classifier.add(reading.records());
        next = reading.next();
        lost += reading.lost();
        damaged += reading.damaged();
        for (LogRecord record : reading.records()) {
          Message message = Message.of(record);
          if (request.wants(message) && request.follow().isPresent()) {
            each.accept(message);
          } else if (request.wants(message)) {
            messages.add(message);
          }
        }
      } catch (MalformedDataException | MemoryFaultException e) {
        throw session.explain(e);
      }
    }
  }
}
