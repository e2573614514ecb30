package org.lucos.patcher.refusal;

/** What a command returns to the shell, grouped by what a script would do about it. */
public enum ExitCode {
  OK(0, "done"),
  FAILED(1, "a failure nobody foresaw; --verbose has the details"),
  USAGE(2, "the command line is wrong"),
  GUEST_UNAVAILABLE(3, "the guest is not there, not running, or cannot be worked on"),
  DOES_NOT_FIT(4, "the patch does not fit what the guest runs"),
  BUSY(5, "something is in use: try again later"),
  WRONG_STATE(6, "the patch is not in the state the request needs"),
  UNSUPPORTED_CHANGE(7, "the source change cannot be applied live"),
  FORBIDDEN_BY_GUEST(8, "the guest's own policy forbids it"),
  BAD_INPUT(9, "an input file is damaged or not what it should be"),
  HOST_NOT_READY(10, "this host lacks a tool, a package or a privilege"),
  TEXT_DIFFERS(11, "text is not what it should be"),
  NOT_TRUSTED(12, "nobody you trust stands for the bundle, or a key is open to others"),
  WAITING(13, "a patch waits for a module that the guest has not loaded"),
  RECORD_ALTERED(14, "the audit log is not as it was written"),
  UNHEALTHY(15, "the guest was not well after a patch, which was reverted unless told otherwise");

  private final int value;
  private final String meaning;

  ExitCode(int value, String meaning) {
    this.value = value;
    this.meaning = meaning;
  }

  /** The number given to the shell; stable. */
  public int value() {
    return value;
  }

  /** What it means, for people. */
  public String meaning() {
    return meaning;
  }
}
