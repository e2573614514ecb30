package org.lucos.bridge.domain;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The hypervisor's own agent in a guest, which runs programs there for whoever manages the domain.
 * All it says is said by the guest. Every method throws {@link DomainRefusedException} if it does
 * not answer, or will not.
 */
public interface GuestTools {
  /** What it calls itself, such as {@code qemu-guest-agent 7.2.17}. */
  String name();

  /**
   * Starts a program.
   *
   * @param words its absolute path, and its arguments
   * @return what {@link #ended} knows it by
   */
  long start(List<String> words);

  /** How a program ended; empty while it runs. Told once: the guest then forgets it. */
  Optional<Ended> ended(long program);

  /** Fails if it does not answer any more. */
  void ping();

  /**
   * The end of a program.
   *
   * @param exitCode if it ended by itself
   * @param signal if a signal ended it; one of the two is there
   * @param output the first of what it wrote, and behind that of its complaints
   */
  record Ended(OptionalInt exitCode, OptionalInt signal, String output) {}
}
