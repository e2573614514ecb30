package org.lucos.bridge.domain;

import java.time.Duration;
import java.util.Optional;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.memory.PhysicalMemory;

/**
 * A running guest on this host. Reading needs no pause. All calls come from one thread at a time.
 */
public interface GuestDomain extends AutoCloseable {

  /** Which guest this is. */
  DomainIdentity identity();

  /** What it is doing right now. */
  DomainState state();

  /** Its RAM, readable while it runs. */
  PhysicalMemory memory();

  /** How it is run, for reports: hypervisor, accelerator, vCPUs, memory. */
  DomainFacts facts();

  /**
   * Tells that pauses will be wanted soon: what takes time to get ready for the first one is begun
   * now, beside other work. Does nothing to the guest, and need not be followed by a pause.
   */
  default void expectPauses() {}

  /**
   * Stops all vCPUs and holds them until the lease is closed.
   *
   * @param purpose a word for the log of pauses, such as {@code switch} or {@code guest-call}
   * @throws DomainRefusedException if the domain is in no state to be paused or written, such as
   *     migrating or being debugged by someone else
   */
  PausedGuest pause(String purpose);

  /**
   * As {@link #pause(String)}, for who will ask for the registers: they are ordered together with
   * the stop and come while the caller reads memory.
   *
   * @param lastLook is called when all is done that precedes the stop: what it sees of the guest is
   *     as fresh as can be
   */
  PausedGuest pause(String purpose, Runnable lastLook);

  /**
   * Writes RAM behind the hypervisor's back, at memory speed and without a pause. The write is
   * <em>not</em> marked dirty for live migration and stale translated code is not dropped, so it is
   * only for memory that the guest itself cannot reach yet (a fresh buffer it has been told nothing
   * of), and it is refused while a migration runs. One that begins meanwhile takes the pages as
   * they were: ask {@link #requireSettled} afterwards. Within a lease nothing is asked: the pause
   * was refused already if it had to be.
   *
   * @throws DomainRefusedException while the domain migrates
   * @throws org.lucos.bridge.memory.MemoryFaultException if any byte is not RAM
   */
  void writeUnreachable(GuestPhysicalAddress at, byte[] bytes);

  /**
   * From now on, {@link #pause} and {@link #requireSettled} wait for a migration, save or dump that
   * goes on to end, for up to {@code longest}, before they refuse.
   */
  void holdForMigration(Duration longest);

  /**
   * Checks that the guest stays: it is on this host and no migration, save or dump goes on.
   *
   * @throws DomainRefusedException with {@link DomainRefusal.Migrating}, {@link
   *     DomainRefusal.LeftHost} or {@link DomainRefusal.NotRunning}
   */
  void requireSettled();

  /**
   * Opens the host's end of a channel into the guest.
   *
   * @param name such as {@code org.lucos.agent.0}
   * @return nothing if the domain has no channel of this name, its end on the host cannot be
   *     reached, or nobody in the guest has opened the other one
   */
  default Optional<GuestChannel> channel(String name) {
    return Optional.empty();
  }

  /**
   * The hypervisor's own agent in the guest.
   *
   * @return nothing if the domain has none, it does not answer, or runs no programs
   */
  default Optional<GuestTools> tools() {
    return Optional.empty();
  }

  /** Every pause made through this object so far. */
  PauseLog pauses();

  /** Lets go of the guest, which runs on; leaves no debug port open. */
  @Override
  void close();
}
