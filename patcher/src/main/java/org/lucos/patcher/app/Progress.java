package org.lucos.patcher.app;

/** Told what is going on, for people who wait. Calls come from one thread, in order. */
public interface Progress {

  /** Tells nobody. */
  Progress SILENT =
      new Progress() {
        @Override
        public void phase(String name) {}

        @Override
        public void detail(String text) {}
      };

  /** A phase begins; the one before has ended. */
  void phase(String name);

  /** What the phase is at, such as {@code compiling fs/readdir.c}. */
  void detail(String text);
}
