package org.lucos.patcher.refusal;

/** The patch does not fit what the guest runs. */
public sealed interface FitRefusal extends Refusal {
  @Override
  default ExitCode exitCode() {
    return ExitCode.DOES_NOT_FIT;
  }

  /** Tasks may not be left inside of what the patch replaces. */
  record NotImmediate(String patch, String why) implements FitRefusal {
    @Override
    public String message() {
      return "patch '" + patch + "' cannot be applied with tasks inside of the old code: " + why;
    }

    @Override
    public String remedy() {
      return "apply it without --immediate, which waits for them; its author may build it with 'lucos build --immediate-safe'";
    }
  }

  /** The bundle has no variant for the running kernel. */
  record WrongKernel(String running, String wanted) implements FitRefusal {
    @Override
    public String message() {
      return "the guest runs " + running + ", the bundle is for " + wanted;
    }

    @Override
    public String remedy() {
      return "build the patch for the running kernel: 'lucos build --kernel GUEST'";
    }
  }

  /** Running text is not what the patch was built against. */
  record TextMismatch(String function, long offset, String detail) implements FitRefusal {
    @Override
    public String message() {
      return "running text differs in "
          + function
          + " at offset 0x"
          + Long.toHexString(offset)
          + ": "
          + detail;
    }

    @Override
    public String remedy() {
      return "the guest runs other code than its release says, or the build used another compiler: rebuild, or reboot the guest into a stock kernel";
    }
  }

  /** A symbol the patch needs has no single address in the running kernel. */
  record SymbolNotResolved(String symbol, String detail) implements FitRefusal {
    @Override
    public String message() {
      return "cannot resolve '" + symbol + "' in the running kernel: " + detail;
    }

    @Override
    public String remedy() {
      return "check that the patch was built for exactly this kernel";
    }
  }

  /** The running kernel's BTF has no single type or member of a name. */
  record TypeNotResolved(String type, String detail) implements FitRefusal {
    @Override
    public String message() {
      return "cannot resolve '" + type + "' in the running kernel's type information: " + detail;
    }

    @Override
    public String remedy() {
      return "this kernel is laid out in a way that is not supported: report its release";
    }
  }

  /** A function has no place where a jump may be put. */
  record NoRedirectSite(String function, String detail) implements FitRefusal {
    @Override
    public String message() {
      return "no redirect site in " + function + ": " + detail;
    }

    @Override
    public String remedy() {
      return "patch its callers instead, or reboot into a fixed kernel";
    }
  }

  /** The guest's loader rejected the patch module. */
  record LoadFailed(String module, long error, String detail) implements FitRefusal {
    @Override
    public String message() {
      return "the guest refused to load " + module + ": error " + error + " " + detail;
    }

    @Override
    public String remedy() {
      return "see the guest's kernel log; nothing was changed";
    }
  }

  /** A recipe of a fix does not fit this kernel. */
  record RecipeDoesNotFit(String recipe, String detail) implements FitRefusal {
    @Override
    public String message() {
      return "recipe '" + recipe + "' does not fit: " + detail;
    }

    @Override
    public String remedy() {
      return "take another recipe, or an older kernel";
    }
  }

  /** The patch's own {@code pre_patch} callback says no. */
  record CallbackFailed(String function, String when, int error) implements FitRefusal {
    @Override
    public String message() {
      return "callback "
          + function
          + " ("
          + when
          + ") returned "
          + error
          + ": nothing was switched";
    }

    @Override
    public String remedy() {
      return "the patch does not want to be applied in this state: see its documentation and the guest's kernel log";
    }
  }
}
