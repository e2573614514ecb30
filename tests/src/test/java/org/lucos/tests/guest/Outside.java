package org.lucos.tests.guest;

/** A guest as its operator sees and handles it, beside the product. */
public interface Outside {

  /** Whether its vCPUs run. */
  boolean running();

  /** Stops its vCPUs until {@link #resume}. */
  void suspend();

  /** Lets its vCPUs run. */
  void resume();

  /** Ends it at once, as by pulling the plug. */
  void end();

  /** Whether a controller still has its hand on it, by an open debug port or the like. */
  boolean controlled();
}
