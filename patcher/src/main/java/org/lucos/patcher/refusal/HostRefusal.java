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

  /**
   * What is about to be done to a guest cannot be recorded, and so is not begun; if something was
   * done before, it is undone.
   */
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

  /** An operation is over, and its record does not tell how it ended. */
  record RecordIncomplete(String operation, String state, String detail) implements HostRefusal {
    @Override
    public String message() {
      return operation + " is over (" + state + "), but not recorded as such: " + detail;
    }

    @Override
    public String remedy() {
      return "do not repeat it: 'lucos status GUEST' shows what is applied; make room on that disk";
    }
  }

  /** What waits for a module cannot be written down, or struck out. */
  record WaitingNotWritable(String directory, String detail) implements HostRefusal {
    @Override
    public String message() {
      return "the records of waiting patches in " + directory + " cannot be written: " + detail;
    }

    @Override
    public String remedy() {
      return "make room on that disk, or set LUCOS_STATE to a directory that can be written";
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
