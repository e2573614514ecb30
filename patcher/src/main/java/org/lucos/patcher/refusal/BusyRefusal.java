package org.lucos.patcher.refusal;

import java.util.List;
import java.util.Locale;

/** Somebody is using what would be changed: the same request may do later. */
public sealed interface BusyRefusal extends Refusal {
  @Override
  default ExitCode exitCode() {
    return ExitCode.BUSY;
  }

  /** A kprobe or other text patching sits at the redirect site. */
  record SiteProbed(String function, String detail) implements BusyRefusal {
    @Override
    public String message() {
      return "the redirect site of " + function + " is in use by a probe: " + detail;
    }

    @Override
    public String remedy() {
      return "remove the probe in the guest and try again";
    }
  }

  /** The guest's own livepatch diverts a function before the place where our jump would be. */
  record FunctionLivepatched(String function, String by) implements BusyRefusal {
    @Override
    public String message() {
      return "calls of " + function + " are diverted by a livepatch of the guest's own: " + by;
    }

    @Override
    public String remedy() {
      return "disable that livepatch in the guest (/sys/kernel/livepatch/NAME/enabled) and try again:"
          + " as long as it is enabled the patch would have no effect";
    }
  }

  /**
   * Tasks were inside of code to be replaced for as long as we waited.
   *
   * @param stragglers some of them, at least one
   * @param others how many more there are
   */
  record FunctionInUse(List<Straggler> stragglers, int others) implements BusyRefusal {
    /** Copies the list. */
    public FunctionInUse {
      if (stragglers.isEmpty()) {
        throw new IllegalArgumentException("nobody is inside");
      }
      stragglers = List.copyOf(stragglers);
    }

    /** How many there are. */
    public int count() {
      return stragglers.size() + others;
    }

    /** What the first of them is inside of. */
    public String function() {
      return stragglers.get(0).function();
    }

    /** The first of them. */
    public String task() {
      return stragglers.get(0).task();
    }

    @Override
    public String message() {
      int more = count() - 1;
      return function()
          + " stayed in use by "
          + task()
          + (more == 0 ? "" : " and " + more + (more == 1 ? " other task" : " other tasks"))
          + ": "
          + stragglers.get(0).backtrace();
    }

    @Override
    public String remedy() {
      return "try again later or with a longer --timeout; wake or stop what is inside: 'lucos"
          + " blocking GUEST' shows it";
    }

    @Override
    public List<Straggler> details() {
      return stragglers;
    }
  }

  /** The stack of a task could not be judged. */
  record StackUnreliable(String task, String detail) implements BusyRefusal {
    @Override
    public String message() {
      return "cannot judge the stack of " + task + ": " + detail;
    }

    @Override
    public String remedy() {
      return "stop function-graph tracing and return probes in the guest, then try again";
    }
  }

  /** No task in the guest came to run a guest call in time. */
  record NoCarrier(String detail) implements BusyRefusal {
    @Override
    public String message() {
      return "no task in the guest took the call: " + detail;
    }

    @Override
    public String remedy() {
      return "try again; a guest that is stuck or fully idle may need a wake-up";
    }
  }

  /** Another controller is running a guest call in this guest. */
  record GuestCallInProgress(String detail) implements BusyRefusal {
    @Override
    public String message() {
      return "another controller is at work in this guest: " + detail;
    }

    @Override
    public String remedy() {
      return "wait for it to end; 'lucos doctor GUEST' tells who holds the lock";
    }
  }

  /** Another lucos command holds the guest. */
  record GuestBusy(String guest, String owner) implements BusyRefusal {
    @Override
    public String message() {
      return "guest '" + guest + "' is being worked on by " + owner;
    }

    @Override
    public String remedy() {
      return "wait for that command to end";
    }
  }

  /** A pause would have taken longer than allowed, even if all goes well; nothing was written. */
  record PauseTooLong(String phase, long expectedMicroseconds, long allowedMicroseconds)
      implements BusyRefusal {
    @Override
    public String message() {
      return String.format(
          Locale.ROOT,
          "the pause would take %.1f ms, most of it in phase %s; allowed are %.1f ms",
          expectedMicroseconds / 1e3,
          phase,
          allowedMicroseconds / 1e3);
    }

    @Override
    public String remedy() {
      return "try again when guest and host are less busy, or allow a longer --max-pause";
    }
  }

  /** A pause took longer than allowed and everything was undone. */
  record PauseBudgetExceeded(String phase, long milliseconds) implements BusyRefusal {
    @Override
    public String message() {
      return "the pause took longer than allowed in phase " + phase + ": " + milliseconds + " ms";
    }

    @Override
    public String remedy() {
      return "try again when guest and host are less busy, or allow a longer --max-pause";
    }
  }

  /** The guest did not unload a patch module. */
  record UnloadFailed(String module, long error, String detail) implements BusyRefusal {
    @Override
    public String message() {
      return "the guest did not unload " + module + ": error " + error + " " + detail;
    }

    @Override
    public String remedy() {
      return "the functions are restored; run 'lucos revert' again to free the memory";
    }
  }

  /** A callback of a patch did not run, or began and has not returned. */
  record CallbackUnfinished(String function, String when, String detail) implements BusyRefusal {
    @Override
    public String message() {
      return "callback " + function + " (" + when + ") has not run to its end: " + detail;
    }

    @Override
    public String remedy() {
      return "wait for it, then repeat the command or 'lucos revert'; 'lucos status GUEST' shows how far it is; the guest runs on";
    }
  }
}
