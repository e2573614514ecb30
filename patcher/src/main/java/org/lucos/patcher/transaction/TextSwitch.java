package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Supplier;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.domain.UnexpectedBytesException;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.consistency.Finding;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.patcher.guestcall.GuestWriter;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a set of edits in one pause, all or none: nobody is inside the given code, every site holds
 * what is expected, then all are written and read back. Whatever fails puts back what was written.
 */
public final class TextSwitch {
  private static final Logger LOG = LoggerFactory.getLogger(TextSwitch.class);
  private static final Duration FIRST_BACK_OFF = Duration.ofMillis(10);
  private static final Duration LONGEST_BACK_OFF = Duration.ofMillis(500);

  private final RunningKernel kernel;
  private final Duration maxPause;

  /**
   * @param maxPause nothing is written in a pause that has lasted longer than this
   */
  public TextSwitch(RunningKernel kernel, Duration maxPause) {
    this.kernel = kernel;
    this.maxPause = maxPause;
  }

  /**
   * Makes the edits as soon as nobody is inside {@code busy}, trying for {@code timeout}.
   *
   * @param edits reads the guest and changes nothing; asked for before the first pause, and in a
   *     pause once nobody is inside; what it throws ends the attempts
   * @throws RefusedException with {@link BusyRefusal.FunctionInUse}, {@link
   *     BusyRefusal.StackUnreliable}, {@link BusyRefusal.PauseBudgetExceeded} or {@link
   *     StateRefusal.TextChanged}; nothing is changed then
   */
  public SwitchOutcome run(
      String purpose, List<NamedRange> busy, Supplier<List<TextEdit>> edits, Duration timeout) {
    long deadline = System.nanoTime() + timeout.toNanos();
    Duration backOff = FIRST_BACK_OFF;
    StackChecker checker = new StackChecker(kernel);
    List<String> retries = new ArrayList<>();
    int count = edits.get().size(); // what stands in the way is told without a pause; code is warm
    while (true) {
      Attempt attempt = attempt(purpose, checker, busy, edits);
      if (attempt.refusal == null) {
        Duration pause = attempt.pause;
        LOG.info(
            "switched: purpose={}, edits={}, attempts={}, pause-us={}, check-us={}, write-us={}",
            purpose,
            count,
            retries.size() + 1,
            pause.toNanos() / 1000,
            attempt.check.toNanos() / 1000,
            attempt.write.toNanos() / 1000);
        return new SwitchOutcome(retries.size() + 1, pause, attempt.check, attempt.write, retries);
      }
      LOG.info("switch put off: {}", attempt.refusal.message());
      retries.add(attempt.refusal.message());
      if (System.nanoTime() + backOff.toNanos() > deadline) {
        throw new RefusedException(attempt.refusal);
      }
      sleep(backOff);
      backOff =
          backOff.multipliedBy(2).compareTo(LONGEST_BACK_OFF) > 0
              ? LONGEST_BACK_OFF
              : backOff.multipliedBy(2);
    }
  }

  private static final class Attempt {
    @org.jspecify.annotations.Nullable Refusal refusal;
    Duration pause = Duration.ZERO;
    Duration check = Duration.ZERO;
    Duration write = Duration.ZERO;
  }

  private Attempt attempt(
      String purpose,
      StackChecker checker,
      List<NamedRange> busy,
      Supplier<List<TextEdit>> source) {
    Attempt attempt = new Attempt();
    StackReport report;
    PreparedCheck prepared = checker.prepare(busy);
    try (PausedGuest lease = kernel.domain().pause(purpose)) {
      kernel.memory().forgetTranslations();
      List<VcpuRegisters> vcpus = lease.registers();
      kernel.boot().require(vcpus);
      report = prepared.check(vcpus);
      attempt.check = lease.heldFor();
      boolean inTime = attempt.check.compareTo(maxPause) <= 0;
      if (report.isClear() && !inTime) {
        attempt.refusal =
            new BusyRefusal.PauseBudgetExceeded("stack check", attempt.check.toMillis());
      }
      if (report.isClear() && inTime) {
        List<TextEdit> edits = source.get();
        compareAll(edits);
        writeAll(lease, edits);
        attempt.write = lease.heldFor().minus(attempt.check);
        lease.commit();
      }
    }
    if (!report.isClear()) {
      attempt.refusal = refusal(report);
    }
    var pauses = kernel.domain().pauses().entries();
    attempt.pause = pauses.get(pauses.size() - 1).duration();
    return attempt;
  }

  private Refusal refusal(StackReport report) {
    List<Finding.InUse> inUse = report.inUse();
    if (!inUse.isEmpty()) {
      return new BusyRefusal.FunctionInUse(
          Stragglers.describe(kernel, inUse), Math.max(0, inUse.size() - Stragglers.MOST));
    }
    Finding finding = report.findings().get(0);
    return new BusyRefusal.StackUnreliable(finding.who().toString(), finding.toString());
  }

  private void compareAll(List<TextEdit> edits) {
    for (TextEdit edit : edits) {
      byte[] now = kernel.memory().bytes(edit.at(), edit.expected().length);
      if (!Arrays.equals(now, edit.expected())) {
        throw changed(edit, edit.expected(), now);
      }
    }
  }

  private void writeAll(PausedGuest lease, List<TextEdit> edits) {
    GuestWriter writer = new GuestWriter(kernel.memory(), lease);
    edits.forEach(edit -> writer.replace(edit.at(), edit.expected(), edit.replacement()));
    try {
      writer.flush();
      for (TextEdit edit : edits) {
        byte[] now = kernel.memory().bytes(edit.at(), edit.replacement().length);
        if (!Arrays.equals(now, edit.replacement())) {
          throw changed(edit, edit.replacement(), now);
        }
      }
    } catch (UnexpectedBytesException failure) {
      throw failure; // compared before the first write
    } catch (RuntimeException failure) {
      undo(writer, edits, failure);
      throw failure;
    }
  }

  private static void undo(GuestWriter writer, List<TextEdit> written, RuntimeException failure) {
    try {
      written.forEach(edit -> writer.put(edit.at(), edit.expected()));
      writer.flush();
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private RefusedException changed(TextEdit edit, byte[] wanted, byte[] found) {
    String function =
        kernel.symbols().enclosing(edit.at()).map(s -> s.name()).orElse(edit.at().toString());
    HexFormat hex = HexFormat.of();
    return new RefusedException(
        new StateRefusal.TextChanged(
            function,
            "expected "
                + hex.formatHex(wanted)
                + ", found "
                + hex.formatHex(found)
                + " at "
                + edit.at()));
  }

  private static void sleep(Duration duration) {
    try {
      Thread.sleep(duration.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted between attempts", e);
    }
  }
}
