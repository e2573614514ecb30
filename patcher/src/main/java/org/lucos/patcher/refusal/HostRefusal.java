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
}
