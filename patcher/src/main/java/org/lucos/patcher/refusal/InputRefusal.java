package org.lucos.patcher.refusal;

/** An input file is damaged, or not what it should be. */
public sealed interface InputRefusal extends Refusal {
  @Override
  default ExitCode exitCode() {
    return ExitCode.BAD_INPUT;
  }

  /** The diff does not fit the source. */
  record PatchDoesNotApply(String file, String detail) implements InputRefusal {
    @Override
    public String message() {
      return "the diff does not apply to " + file + ": " + detail;
    }

    @Override
    public String remedy() {
      return "take the version of the fix for this kernel release";
    }
  }

  /** The kernel tree or a file of it did not compile. */
  record CompileFailed(String file, String detail) implements InputRefusal {
    @Override
    public String message() {
      return "cannot compile " + file + ": " + detail;
    }

    @Override
    public String remedy() {
      return "check the diff; the build log has the compiler's messages";
    }
  }

  /** No recipe has this name. */
  record NoSuchRecipe(String name) implements InputRefusal {
    @Override
    public String message() {
      return "no recipe is called '" + name + "'";
    }

    @Override
    public String remedy() {
      return "see 'lucos recipes --kernel RELEASE', or the folder kernel-patches";
    }
  }

  /** A bundle file is damaged or none. */
  record BadBundle(String file, String detail) implements InputRefusal {
    @Override
    public String message() {
      return "'" + file + "' is no usable bundle: " + detail;
    }

    @Override
    public String remedy() {
      return "build or copy it again";
    }
  }

  /** A bundle file that ends early. */
  record BundleTruncated(String file, long size) implements InputRefusal {
    @Override
    public String message() {
      return "'" + file + "' is cut short: " + size + " bytes are there";
    }

    @Override
    public String remedy() {
      return "copy it again";
    }
  }

  /** Content of a bundle that is not what its manifest says. */
  record BundleTampered(String file, String entry) implements InputRefusal {
    @Override
    public String message() {
      return "'" + file + "' was changed: " + entry + " does not have the digest in the manifest";
    }

    @Override
    public String remedy() {
      return "do not use it; get the bundle again from where it was built";
    }
  }

  /** A bundle of a format this program does not know. */
  record BundleTooNew(String file, String detail) implements InputRefusal {
    @Override
    public String message() {
      return "'" + file + "' was made by another version of lucos: " + detail;
    }

    @Override
    public String remedy() {
      return "use the version that made it, or build it again with this one";
    }
  }

  /** A file that holds no usable key. */
  record BadKey(String file, String detail) implements InputRefusal {
    @Override
    public String message() {
      return "'" + file + "' is no usable key: " + detail;
    }

    @Override
    public String remedy() {
      return "make a key with 'lucos keygen'; keys are unencrypted Ed25519 in PEM";
    }
  }

  /** A file that would be overwritten. */
  record FileExists(String file) implements InputRefusal {
    @Override
    public String message() {
      return "'" + file + "' exists already";
    }

    @Override
    public String remedy() {
      return "choose another name, or remove it first";
    }
  }

  /** A file that a patch is to be built from is not there, or is not what it should be. */
  record BadSource(String file, String detail) implements InputRefusal {
    @Override
    public String message() {
      return "cannot build a patch from '" + file + "': " + detail;
    }

    @Override
    public String remedy() {
      return "see kernel-patches/PATCHING.md for the kinds of input";
    }
  }

  /** A file is no program that could run in a guest. */
  record NoProbe(String file, String detail) implements InputRefusal {
    @Override
    public String message() {
      return "'" + file + "' cannot be run in a guest: " + detail;
    }

    @Override
    public String remedy() {
      return "give a program of at most 2 MiB for x86-64 that needs no libraries: gcc -static";
    }
  }

  /** The journal of an operation that was not finished cannot be read. */
  record JournalDamaged(String file, String detail) implements InputRefusal {
    @Override
    public String message() {
      return "the journal '" + file + "' is damaged: " + detail;
    }

    @Override
    public String remedy() {
      return "run 'lucos recover GUEST': it goes by the guest's memory and keeps the file aside";
    }
  }

  /** No audit log is there. */
  record NoAuditLog(String file) implements InputRefusal {
    @Override
    public String message() {
      return "'" + file + "' is no file";
    }

    @Override
    public String remedy() {
      return "name a copy of audit.jsonl, or nothing for the log of this host";
    }
  }

  /** A kernel image is of another kernel than the guest's. */
  record NotThisKernel(String file, String found, String wanted) implements InputRefusal {
    @Override
    public String message() {
      return "'" + file + "' has build-id " + found + ", the guest's kernel " + wanted;
    }

    @Override
    public String remedy() {
      return "name the image that the guest booted, or none to have its package fetched";
    }
  }
}
