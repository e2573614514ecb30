package org.lucos.patcher.build;

/**
 * Is told what a build is doing, so that nothing longer than a couple of seconds passes in silence.
 * Calls come from the thread that runs the build; implementations must not throw.
 */
public interface BuildListener {

  /** A listener that does not care. */
  BuildListener SILENT = new BuildListener() {};

  /** A step begins, such as {@code "unpacking linux-source-6.1 6.1.192-2"}. */
  default void step(String what) {}

  /**
   * How far the current step is; {@code total} is 0 when nobody knows. Units are the step's own.
   */
  default void progress(long done, long total) {}

  /** Something the user should know that does not stop the build. */
  default void note(String text) {}
}
