package org.lucos.patcher.transaction;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.consistency.Finding;
import org.lucos.patcher.consistency.Subject;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;
import org.lucos.patcher.kernel.TaskCondition;
import org.lucos.patcher.refusal.Straggler;

/** Puts into words who is inside of code, and what each of them is doing there. */
public final class Stragglers {
  /** How many are described one by one; the others are counted. */
  public static final int MOST = 20;

  private Stragglers() {}

  /** The first {@link #MOST} of those found. Looks the tasks up in the running guest. */
  public static List<Straggler> describe(RunningKernel kernel, List<Finding.InUse> found) {
    Map<Integer, String> conditions = conditions(kernel);
    return found.stream().limit(MOST).map(inUse -> describe(inUse, conditions)).toList();
  }

  private static Straggler describe(Finding.InUse inUse, Map<Integer, String> conditions) {
    boolean task = inUse.who() instanceof Subject.OfTask;
    int pid = task ? ((Subject.OfTask) inUse.who()).pid() : 0;
    String name = task ? ((Subject.OfTask) inUse.who()).name() : inUse.who().toString();
    return new Straggler(
        name,
        pid,
        inUse.function(),
        conditions.getOrDefault(pid, "what it does now is not known"),
        inUse.backtrace().toString());
  }

  private static Map<Integer, String> conditions(RunningKernel kernel) {
    Map<Integer, String> conditions = new HashMap<>();
    try {
      for (Task task : kernel.tasks().all()) {
        conditions.put(task.pid(), TaskCondition.of(task).toString());
      }
    } catch (MalformedDataException | MemoryFaultException e) {
      // the guest runs and its lists were torn while they were read: what was found is told anyway
      conditions.clear();
    }
    return conditions;
  }
}
