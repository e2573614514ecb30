package org.lucos.bridge.jna;

/** A system call failed. */
public final class NativeCallException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Operation not permitted. */
  public static final int EPERM = 1;

  /** No such process. */
  public static final int ESRCH = 3;

  /** Bad address. */
  public static final int EFAULT = 14;

  private final int errno;

  /** States which call failed and with which {@code errno} of Linux. */
  public NativeCallException(String call, int errno) {
    super("system call failed: call=" + call + ", errno=" + errno + " (" + name(errno) + ")");
    this.errno = errno;
  }

  /** Linux's error number. */
  public int errno() {
    return errno;
  }

  private static String name(int errno) {
    return switch (errno) {
      case EPERM -> "not permitted";
      case ESRCH -> "no such process";
      case EFAULT -> "bad address";
      case 12 -> "out of memory";
      case 22 -> "invalid argument";
      default -> "see errno(3)";
    };
  }
}
