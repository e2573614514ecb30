package org.lucos.patcher.consistency;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Tasks by their {@code task_struct} and by their stack. */
final class TaskIndex {
  private final Map<Long, TaskStack> byStruct = new LinkedHashMap<>();

  /** Kernel addresses are all negative, so that their order is that of numbers. */
  private final NavigableMap<Long, TaskStack> byBase = new TreeMap<>();

  TaskIndex(List<TaskStack> tasks) {
    tasks.forEach(this::add);
  }

  /** Adds a task, in place of what was known of it. */
  void add(TaskStack task) {
    TaskStack old = byStruct.put(task.task(), task);
    if (old != null) {
      byBase.remove(old.base(), old);
    }
    if (task.base() != 0) {
      byBase.put(task.base(), task);
    }
  }

  Collection<TaskStack> tasks() {
    return byStruct.values();
  }

  /** How many tasks this and {@code other} have together. */
  int sizeWith(TaskIndex other) {
    long more = other.byStruct.keySet().stream().filter(key -> !byStruct.containsKey(key)).count();
    return byStruct.size() + (int) more;
  }

  @Nullable TaskStack byStruct(long struct) {
    return byStruct.get(struct);
  }

  @Nullable TaskStack byStack(long stackPointer) {
    Map.Entry<Long, TaskStack> below = byBase.lowerEntry(stackPointer);
    return below != null && below.getValue().holds(stackPointer) ? below.getValue() : null;
  }
}
