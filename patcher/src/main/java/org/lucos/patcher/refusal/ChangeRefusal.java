package org.lucos.patcher.refusal;

/** The source change is of a kind that cannot be applied live. */
public sealed interface ChangeRefusal extends Refusal {
  @Override
  default ExitCode exitCode() {
    return ExitCode.UNSUPPORTED_CHANGE;
  }

  /**
   * The source change is of a kind that cannot be patched live.
   *
   * @param what is changed
   * @param detail why that cannot be
   * @param remedy what to do instead
   */
  record UnsupportedChange(String what, String detail, String remedy) implements ChangeRefusal {
    /** One without a remedy of its own. */
    public UnsupportedChange(String what, String detail) {
      this(
          what,
          detail,
          "reduce the diff to function bodies, or plan a reboot into the fixed kernel");
    }

    @Override
    public String message() {
      return "cannot make a live patch of " + what + ": " + detail;
    }
  }

  /**
   * The source change gives a type another layout or meaning, and the running kernel has data of
   * the old one.
   *
   * @param type such as {@code struct file}
   * @param object where it was seen
   * @param differences how many types of the object differ
   */
  record TypeChanged(String type, String object, String detail, int differences)
      implements ChangeRefusal {
    @Override
    public String message() {
      String others = differences > 1 ? " (and " + (differences - 1) + " more)" : "";
      return type + " changes in " + object + others + ": " + detail;
    }

    @Override
    public String remedy() {
      return "the running kernel's data stays as it is: leave the type alone and keep new state in"
          + " a shadow variable, convert data in a callback, or plan a reboot into the fixed kernel";
    }
  }

  /** One of several kernels a patch was to be built for; the reason tells code and exit code. */
  record KernelRefused(String release, Refusal reason) implements ChangeRefusal {
    @Override
    public String code() {
      return reason.code();
    }

    @Override
    public ExitCode exitCode() {
      return reason.exitCode();
    }

    @Override
    public String message() {
      return "for " + release + ": " + reason.message();
    }

    @Override
    public String remedy() {
      return reason.remedy() + "; --skip-unsupported builds for the other kernels";
    }
  }

  /** A change of headers concerns more objects than may be compiled. */
  record TooManyObjects(String headers, int objects, int limit) implements ChangeRefusal {
    @Override
    public String message() {
      return "the change of "
          + headers
          + " may concern "
          + objects
          + " objects, and no more than "
          + limit
          + " may be compiled";
    }

    @Override
    public String remedy() {
      return "give a higher --max-objects, or patch the C files that matter by a new function";
    }
  }

  /** The diff changes no code. */
  record NothingChanged(String detail) implements ChangeRefusal {
    @Override
    public String message() {
      return "the diff changes no machine code: " + detail;
    }

    @Override
    public String remedy() {
      return "nothing to patch; check that it is the right diff and configuration";
    }
  }
}
