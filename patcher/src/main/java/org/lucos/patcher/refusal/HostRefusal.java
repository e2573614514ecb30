package org.lucos.patcher.refusal;

/** This host lacks something. */
public sealed interface HostRefusal extends Refusal {
  @Override
  default ExitCode exitCode() {
    return ExitCode.HOST_NOT_READY;
  }

  /** No package index offers what a build needs. */
  record KernelPackageNotFound(String wanted, String detail) implements HostRefusal {
    @Override
    public String message() {
      return "no package for " + wanted + ": " + detail;
    }

    @Override
    public String remedy() {
      return "run 'apt-get update', or add the archive that has this version";
    }
  }

  /** What is about to be done to a guest cannot be recorded, and so is not begun. */
  record JournalNotWritable(String file, String detail) implements HostRefusal {
    @Override
    public String message() {
      return "the journal " + file + " cannot be written: " + detail;
    }

    @Override
    public String remedy() {
      return "make room on that disk, or set LUCOS_STATE to a directory that can be written";
    }
  }

  /** This host lacks something. */
  record HostNotReady(String what, String fix) implements HostRefusal {
    @Override
    public String message() {
      return "this host lacks " + what;
    }

    @Override
    public String remedy() {
      return fix;
    }
  }

  /** An operation would leave no record in the audit log, and so is not begun. */
  record AuditNotWritable(String file, String detail) implements HostRefusal {
    @Override
    public String message() {
      return "the audit log " + file + " cannot be written: " + detail;
    }

    @Override
    public String remedy() {
      return "make it a file that can be written, with room on its disk; LUCOS_STATE says where";
    }
  }
}
