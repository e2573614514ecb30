package org.lucos.patcher.refusal;

/**
 * A task that stays inside of code to be replaced.
 *
 * @param name its {@code comm}
 * @param pid its thread's number in the guest; 0 for the idle task of a CPU
 * @param function what it is inside of
 * @param condition what it is doing there: whether it sleeps, and whether it can be got out
 * @param backtrace innermost function first, as far as it is known
 */
public record Straggler(String name, int pid, String function, String condition, String backtrace) {

  /** Name and number, for messages. */
  public String task() {
    return name + " (pid " + pid + ")";
  }

  @Override
  public String toString() {
    return task() + " in " + function + ", " + condition + ": " + backtrace;
  }
}
