package org.lucos.patcher.guestcall;

import java.util.Arrays;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.RunningKernel;

/** What the area says of the call that is in it. */
record CallReadout(RunningKernel kernel, CallArea area) {

  int state() {
    return kernel.memory().u8(area.record().plus(CallLayout.RECORD_STATE));
  }

  int headCount() {
    long count = kernel.memory().u64(area.address().plus(CallLayout.HEAD_COUNT));
    return (int) Math.max(0, Math.min(count, CallLayout.MAX_HEADS));
  }

  GuestCallResult.Route route() {
    long taker = kernel.memory().u64(area.record().plus(CallLayout.RECORD_TAKER));
    return taker == area.head(0).value()
        ? GuestCallResult.Route.BORROWED_WORKER
        : GuestCallResult.Route.PASSING_TASK;
  }

  List<Long> values(GuestProgram program) {
    Long[] values = new Long[program.calls().size()];
    Arrays.setAll(
        values,
        i -> kernel.memory().u64(area.address().plus(CallLayout.step(i) + CallLayout.STEP_RESULT)));
    return List.of(values);
  }

  String carrier() {
    GuestVirtualAddress taker =
        kernel.memory().pointer(area.record().plus(CallLayout.RECORD_TAKER));
    if (taker.isNull()) {
      return "none";
    }
    GuestVirtualAddress task = kernel.memory().pointer(taker.plus(CallLayout.HEAD_TASK));
    var layout = kernel.types().struct("task_struct");
    String name = kernel.memory().cString(task.plus(layout.field("comm").offset()), 16);
    return name + "[" + kernel.memory().i32(task.plus(layout.field("pid").offset())) + "]";
  }

  boolean isTaken() {
    return kernel.memory().u64(area.record().plus(CallLayout.RECORD_TAKER)) != 0;
  }

  int completed() {
    return (int) kernel.memory().u64(area.record().plus(CallLayout.RECORD_COMPLETED));
  }
}
