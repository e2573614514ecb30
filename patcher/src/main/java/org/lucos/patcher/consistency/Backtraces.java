package org.lucos.patcher.consistency;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;

/** Backtraces of tasks that sleep. */
final class Backtraces {
  private Backtraces() {}

  static Backtrace of(Guest guest, Layouts layouts, TaskStack task) {
    if (task.base() == 0 || (task.savedSp() & 7) != 0 || !task.holds(task.savedSp())) {
      return new Backtrace(List.of(), false, "it has no stack, or no saved stack pointer");
    }
    OrcUnwinder unwinder =
        new OrcUnwinder(guest.unwindTables(), layouts.frames(), layouts.taskStarts());
    ReturnHijacks hijacks = new ReturnHijacks(guest.memory(), layouts.hijacks());
    List<Backtrace> found = new ArrayList<>();
    new StackReader(guest.memory())
        .readAll(
            List.of(
                new StackReader.Item(
                    task, null, List.of(new VcpuTrace.Extent(task.savedSp(), task.top())))),
            new StackReader.Judge() {
              @Override
              public void judge(StackReader.Item item, LiveStack stack) {
                found.add(
                    StackJudge.backtrace(
                        guest, unwinder.sleeping(stack, task.savedSp(), returns(hijacks, task))));
              }

              @Override
              public void unreadable(StackReader.Item item, MemoryFaultException fault) {
                found.add(
                    new Backtrace(
                        List.of(),
                        false,
                        Optional.ofNullable(fault.getMessage()).orElse("unreadable")));
              }
            });
    return found.get(0);
  }

  private static OrcUnwinder.Hijacks returns(ReturnHijacks hijacks, TaskStack task) {
    try {
      return hijacks.of(task.task());
    } catch (MalformedDataException | MemoryFaultException e) {
      // those that are met then end the backtrace as unresolved
      return hijacks.none();
    }
  }
}
