package org.lucos.patcher.consistency;

import java.util.Collection;
import java.util.List;
import org.lucos.bridge.memory.GuestMemory;

/** What a check reads of the running kernel, afresh at each call. */
interface Guest {

  GuestMemory memory();

  /** Every task that is listed or running, idle tasks included. */
  List<TaskStack> tasks();

  /**
   * The scheduler's counts and, read after them, these tasks, with one read.
   *
   * @param tasks {@code task_struct}s that {@link #tasks()} has given before
   */
  Sight look(Collection<Long> tasks);

  /** The task whose {@code task_struct} is at this address, which is believed. */
  TaskStack task(long struct);

  /** Every possible CPU. */
  List<CpuArea> cpus();

  /** The function and the place in it, as the kernel prints them. */
  String symbol(long address, boolean interrupted);

  /**
   * Whether the unwind data for an instruction is still that of the code there: modules may have
   * been loaded and unloaded since it was read.
   */
  boolean isStillDescribed(long instruction);

  /** Unwind data, as read before the pause. */
  OrcUnwinder.Tables unwindTables();
}
