package org.lucos.patcher.consistency;

/** Who was found, or could not be looked into. */
public sealed interface Subject {

  /**
   * A task of the guest.
   *
   * @param pid its thread's number; 0 for the idle task of a CPU
   * @param name its {@code comm}
   */
  record OfTask(int pid, String name) implements Subject {
    @Override
    public String toString() {
      return name + " (pid " + pid + ")";
    }
  }

  /**
   * A vCPU whose task is not known.
   *
   * @param index as the hypervisor counts
   */
  record OfVcpu(int index) implements Subject {
    @Override
    public String toString() {
      return "vCPU " + index;
    }
  }

  /** All tasks: something that concerns none in particular. */
  record OfGuest() implements Subject {
    @Override
    public String toString() {
      return "the guest";
    }
  }
}
