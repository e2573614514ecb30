package org.lucos.patcher.build;

import org.jspecify.annotations.Nullable;

/** The build could not go on for a reason nobody foresaw: a tool crashed, a disk is full. */
public final class BuildFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A failure with its reason. */
  public BuildFailedException(String message) {
    this(message, null);
  }

  /** A failure with its reason and cause. */
  public BuildFailedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
