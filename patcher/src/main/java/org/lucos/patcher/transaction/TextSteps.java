package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.Recollection;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.consistency.Finding;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.patcher.guestcall.GuestWriter;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/** The steps of a switch in a running kernel that stands still. */
final class TextSteps implements PausedSwitch.Steps {
  private final RunningKernel kernel;
  private final PausedGuest lease;
  private final PreparedCheck prepared;
  private final Supplier<List<TextEdit>> source;
  private final Recollection<Written> foreseen;
  private final Function<TextEdit, byte[]> after;
  private int tasks;
  private List<VcpuRegisters> vcpus = List.of();
  private Optional<Written> compared = Optional.empty();

  /**
   * @param source as {@link TextSwitch#run} has it
   * @param foreseen what was {@link #compared} before the pause
   * @param after what each edit leaves
   */
  TextSteps(
      RunningKernel kernel,
      PausedGuest lease,
      PreparedCheck prepared,
      Supplier<List<TextEdit>> source,
      Recollection<Written> foreseen,
      Function<TextEdit, byte[]> after) {
    this.kernel = kernel;
    this.lease = lease;
    this.prepared = prepared;
    this.source = source;
    this.foreseen = foreseen;
    this.after = after;
  }

  /**
   * What is to be written.
   *
   * @param edits by virtual addresses
   * @param physical the same by physical ones
   */
  record Written(List<TextEdit> edits, List<PausedGuest.Edit> physical) {}

  /**
   * Finds out what to write: the guest is in the boot that was attached, and what is expected is
   * where anything is to be written.
   *
   * @param source reads the guest and changes nothing
   */
  static Written compared(RunningKernel kernel, Supplier<List<TextEdit>> source) {
    kernel.boot().requireMemory();
    List<TextEdit> edits = source.get();
    requireBytes(kernel, edits, TextEdit::expected);
    GuestWriter writer = GuestWriter.rehearsal(kernel.memory());
    edits.forEach(edit -> writer.replace(edit.at(), edit.expected(), edit.replacement()));
    return new Written(edits, writer.pending());
  }

  @Override
  public List<TextEdit> compare() {
    Written now = foreseen.holds() ? foreseen.value() : compared(kernel, source);
    lease.announce(now.physical());
    compared = Optional.of(now);
    return now.edits();
  }

  @Override
  public void registers() {
    prepared.begin();
    vcpus = lease.registers();
    kernel.boot().requireRunBy(vcpus);
  }

  /** How many tasks the check spoke for. */
  int tasks() {
    return tasks;
  }

  @Override
  public Optional<Supplier<Refusal>> check(Duration left) {
    StackReport report = prepared.check(vcpus, left);
    tasks = report.tasks();
    return report.isClear() ? Optional.empty() : Optional.of(() -> refusal(report, left));
  }

  private Refusal refusal(StackReport report, Duration left) {
    List<Finding.InUse> inUse = report.inUse();
    if (!inUse.isEmpty()) {
      return new BusyRefusal.FunctionInUse(
          Stragglers.describe(kernel, inUse), Math.max(0, inUse.size() - Stragglers.MOST));
    }
    Finding finding = report.findings().get(0);
    return finding instanceof Finding.OutOfTime late
        ? new BusyRefusal.PauseTooLong(
            PausePhase.STACK_CHECK.toString(),
            late.expected().toNanos() / 1000,
            Math.max(0, left.toNanos() / 1000))
        : new BusyRefusal.StackUnreliable(finding.who().toString(), finding.toString());
  }

  @Override
  public void write(List<TextEdit> edits) {
    lease.writeAll(compared.orElseThrow().physical());
  }

  @Override
  public void readBack(List<TextEdit> edits) {
    requireBytes(kernel, edits, after);
  }

  @Override
  public void undo(List<TextEdit> edits) {
    GuestWriter writer = new GuestWriter(kernel.memory(), lease);
    edits.forEach(edit -> writer.put(edit.at(), edit.expected()));
    writer.flush();
  }

  /**
   * Reads all places at once.
   *
   * @throws RefusedException with {@link StateRefusal.TextChanged} if one holds other bytes
   */
  static void requireBytes(
      RunningKernel kernel, List<TextEdit> edits, Function<TextEdit, byte[]> wanted) {
    List<byte[]> found = new ArrayList<>();
    List<GuestMemory.Slice> slices = new ArrayList<>();
    for (TextEdit edit : edits) {
      byte[] bytes = new byte[edit.expected().length];
      found.add(bytes);
      slices.add(new GuestMemory.Slice(edit.at(), bytes, 0, bytes.length));
    }
    kernel.memory().readAll(slices);
    for (int i = 0; i < edits.size(); i++) {
      byte[] bytes = wanted.apply(edits.get(i));
      if (!Arrays.equals(bytes, found.get(i))) {
        throw changed(kernel, edits.get(i), bytes, found.get(i));
      }
    }
  }

  private static RefusedException changed(
      RunningKernel kernel, TextEdit edit, byte[] wanted, byte[] found) {
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
}
