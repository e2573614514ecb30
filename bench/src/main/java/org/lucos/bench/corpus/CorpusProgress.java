package org.lucos.bench.corpus;

/** Told how a run goes on. Calls may come from several threads. */
public interface CorpusProgress {
  /** A stage begins. */
  void stage(String name, long total);

  /** So much of the stage is done. */
  void done(long count, String last);

  /** Something worth a line. */
  void note(String text);
}
