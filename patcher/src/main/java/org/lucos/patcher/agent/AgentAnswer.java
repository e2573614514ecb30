package org.lucos.patcher.agent;

import java.util.List;

/** What the agent answers: evidence of the guest, from the guest. */
public sealed interface AgentAnswer {

  /**
   * Who answers.
   *
   * @param protocol that both speak
   * @param agent its version
   * @param pid the number of its task, as the guest's first name space counts
   * @param capabilities what it can do
   */
  record Hello(int protocol, String agent, int pid, List<String> capabilities)
      implements AgentAnswer {
    /** Copies the list. */
    public Hello {
      capabilities = List.copyOf(capabilities);
    }
  }

  /** It is there. */
  record Pong() implements AgentAnswer {}

  /**
   * What it knows of its kernel.
   *
   * @param bootId as {@code /proc/sys/kernel/random/boot_id}
   * @param release as {@code uname -r}
   * @param tainted the flags, as {@code /proc/sys/kernel/tainted}
   * @param livepatches names of the guest's own
   * @param tracer ftrace's current one; empty if that cannot be read
   * @param tracedFunctions how many ftrace has hooked; -1 if that cannot be read
   * @param kprobes how many are registered; -1 if that cannot be read
   * @param lockdown {@code none}, {@code integrity} or {@code confidentiality}; empty if unknown
   * @param secureBoot {@code on}, {@code off} or {@code unknown}
   */
  record Facts(
      String bootId,
      String release,
      long tainted,
      List<String> livepatches,
      String tracer,
      int tracedFunctions,
      int kprobes,
      String lockdown,
      String secureBoot)
      implements AgentAnswer {
    /** Copies the list. */
    public Facts {
      livepatches = List.copyOf(livepatches);
    }
  }

  /**
   * Who is inside of functions.
   *
   * @param tasks that were looked at
   * @param kernelThreads among them
   * @param uninterruptible of them that sleep so
   * @param unreadable whose stack could not be read
   * @param found that are inside
   * @param inside the first of these
   */
  record Quiescence(
      int tasks,
      int kernelThreads,
      int uninterruptible,
      int unreadable,
      int found,
      List<Inside> inside)
      implements AgentAnswer {
    /** Copies the list. */
    public Quiescence {
      inside = List.copyOf(inside);
    }
  }

  /**
   * A task that is inside.
   *
   * @param state as {@code /proc/PID/stat} has it
   * @param function of those asked for
   * @param waitsIn as {@code /proc/PID/wchan} has it
   * @param switches how often it was switched away from; the same number again means that it has
   *     not moved. -1 if unknown
   * @param stack innermost first
   */
  record Inside(
      int pid,
      int tid,
      String comm,
      String state,
      boolean kernelThread,
      String function,
      String waitsIn,
      long switches,
      List<String> stack) {
    /** Copies the list. */
    public Inside {
      stack = List.copyOf(stack);
    }
  }

  /**
   * What the kernel has complained of since it booted, as far as its ring buffer goes.
   *
   * @param more kinds of complaints that found no place in the list
   * @param lost how often records were overwritten before they were read
   */
  record KernelLog(List<Incident> incidents, long more, long lost) implements AgentAnswer {
    /** Copies the list. */
    public KernelLog {
      incidents = List.copyOf(incidents);
    }
  }

  /**
   * One complaint; others that differ in numbers only are counted with it.
   *
   * @param kind {@code panic}, {@code oops}, {@code bug}, {@code warning}, {@code lockup}, {@code
   *     stall} or {@code hung-task}
   * @param first microseconds since boot
   * @param last microseconds since boot
   */
  record Incident(String kind, String text, long first, long last, long count) {}

  /**
   * How a job ended.
   *
   * @param outcome {@code passed}, {@code failed}, {@code exited}, {@code signalled}, {@code
   *     timed-out} or {@code refused}
   * @param code a program's exit status or signal; else an errno
   * @param output the first 8 KiB of what a program printed
   */
  record Job(boolean passed, String outcome, int code, int milliseconds, String output)
      implements AgentAnswer {}
}
