package org.lucos.patcher.refusal;

import java.util.List;

/** The guest is not in the state the request needs. */
public sealed interface StateRefusal extends Refusal {
  @Override
  default ExitCode exitCode() {
    return ExitCode.WRONG_STATE;
  }

  /** The function is redirected already. */
  record AlreadyPatched(String function, String by) implements StateRefusal {
    @Override
    public String message() {
      return function + " is already patched by " + by;
    }

    @Override
    public String remedy() {
      return "revert that patch first: 'lucos revert'";
    }
  }

  /** The guest has this patch already. */
  record AlreadyApplied(String patch, String detail) implements StateRefusal {
    @Override
    public String message() {
      return "patch '" + patch + "' is in this guest already: " + detail;
    }

    @Override
    public String remedy() {
      return "see 'lucos status GUEST'; 'lucos revert' takes it out";
    }
  }

  /** Modules whose code the patch changes are not loaded. */
  record ModuleNotLoaded(List<String> modules) implements StateRefusal {
    /** Copies the list. */
    public ModuleNotLoaded {
      modules = List.copyOf(modules);
    }

    @Override
    public String message() {
      return "not loaded in the guest: module " + String.join(", ", modules);
    }

    @Override
    public String remedy() {
      return "load it in the guest, or let the patch wait for it: 'lucos apply' without --no-wait";
    }
  }

  /** No such patch is in the guest. */
  record NotApplied(String patch) implements StateRefusal {
    @Override
    public String message() {
      return "patch '" + patch + "' is not applied in this guest";
    }

    @Override
    public String remedy() {
      return "see 'lucos status GUEST' for what is";
    }
  }

  /** Other patches stand on this one, or require it. */
  record PatchDependedOn(String patch, List<String> by) implements StateRefusal {
    /** Copies the list. */
    public PatchDependedOn {
      by = List.copyOf(by);
    }

    @Override
    public String message() {
      return "patch '" + patch + "' cannot be taken out while others need it: " + list(by);
    }

    @Override
    public String remedy() {
      return "revert those first, or all in one: 'lucos revert GUEST "
          + list(by)
          + " "
          + patch
          + "'";
    }

    private static String list(List<String> names) {
      return String.join(" ", names);
    }
  }

  /** A patch that this one requires is neither applied nor applied with it. */
  record RequirementMissing(String patch, List<String> requires) implements StateRefusal {
    /** Copies the list. */
    public RequirementMissing {
      requires = List.copyOf(requires);
    }

    @Override
    public String message() {
      return "patch '" + patch + "' requires what is not applied: " + String.join(", ", requires);
    }

    @Override
    public String remedy() {
      return "apply that first, or both in one: 'lucos apply GUEST BUNDLE...'";
    }
  }

  /** A probe that must hold before the patch is applied does not. */
  record RequiredProbeFailed(String patch, String detail) implements StateRefusal {
    @Override
    public String message() {
      return "patch '" + patch + "' is not applied, for it requires what does not hold: " + detail;
    }

    @Override
    public String remedy() {
      return "the guest may not have the flaw, or not be well; --no-probes applies it all the same";
    }
  }

  /** The patch's state does not allow what was asked for. */
  record TransitionRefused(String patch, String from, String to) implements StateRefusal {
    @Override
    public String message() {
      return "patch '" + patch + "' is " + from + ", and cannot become " + to;
    }

    @Override
    public String remedy() {
      return "see 'lucos status GUEST'";
    }
  }

  /**
   * The functions were switched, and what comes behind that failed: callbacks, unloading, records.
   */
  record LeftUnfinished(String operation, String detail) implements StateRefusal {
    @Override
    public String message() {
      return "the functions are switched ("
          + operation
          + "), but what comes behind that is not done: "
          + detail;
    }

    @Override
    public String remedy() {
      return "'lucos recover GUEST' does the rest, and so does the next command that writes to it";
    }
  }

  /** Text of an applied patch is not what was written. */
  record TextChanged(String function, String detail) implements StateRefusal {
    @Override
    public ExitCode exitCode() {
      return ExitCode.TEXT_DIFFERS;
    }

    @Override
    public String message() {
      return "text of " + function + " is not what was written: " + detail;
    }

    @Override
    public String remedy() {
      return "somebody else changed it: run 'lucos verify GUEST', restore that change, or reboot the guest";
    }
  }
}
