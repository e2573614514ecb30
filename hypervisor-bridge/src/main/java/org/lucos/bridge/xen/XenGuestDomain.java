package org.lucos.bridge.xen;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.Capability;
import org.lucos.bridge.domain.DomainFacts;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestChannel;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.watchdog.Ownership;
import org.lucos.bridge.watchdog.WatchdogProcess;
import org.lucos.bridge.wire.SocketChannelWire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A guest of Xen's on this host. */
final class XenGuestDomain implements GuestDomain {
  private static final Logger LOG = LoggerFactory.getLogger(XenGuestDomain.class);

  /** A controller that died is done with after less; one that lives keeps the guest for longer. */
  private static final Duration TAKE_OVER_PATIENCE = Duration.ofSeconds(3);

  private static final Duration NAP = Duration.ofMillis(20);

  private final XenDomain domain;
  private final Guard guard;
  private final XenMemory memory;
  private final DomainFacts facts;
  private final PauseLog pauses = new PauseLog();
  private Duration patience = Duration.ZERO;
  private Optional<WatchdogProcess> prepared = Optional.empty();
  private Optional<XenSession> session = Optional.empty();
  private Optional<XenPausedGuest> lease = Optional.empty();

  /**
   * What guards pauses.
   *
   * @param path stands for the guest, as for {@link Ownership}
   * @param command starts a watchdog over it
   * @param silenceLimit how long the watchdog bears a controller's silence
   */
  record Guard(Path path, List<String> command, Duration silenceLimit) {
    /** Copies the list. */
    Guard {
      command = List.copyOf(command);
    }
  }

  /**
   * @param hypervisor for reports, such as {@code Xen 4.17.5}
   * @param memory of the guest, and closed with this
   * @param tracked whether Xen can be told what was written
   */
  XenGuestDomain(
      XenDomain domain,
      DomainInfo info,
      String hypervisor,
      XenMemory memory,
      boolean tracked,
      Guard guard) {
    this.domain = domain;
    this.guard = guard;
    this.memory = memory;
    this.facts =
        new DomainFacts(
            hypervisor,
            info.kind(),
            info.onlineVcpus(),
            memory.regions().stream().mapToLong(MemoryRegion::size).sum(),
            OptionalLong.empty(),
            capabilities(tracked));
  }

  /** Xen tells of no migration. */
  private static Set<Capability> capabilities(boolean tracked) {
    EnumSet<Capability> all =
        EnumSet.of(Capability.EXCLUSIVE_CONTROL, Capability.DIRECT_TEXT_WRITES);
    if (tracked) {
      all.add(Capability.DIRTY_TRACKING);
    }
    return all;
  }

  @Override
  public DomainIdentity identity() {
    return domain.identity();
  }

  @Override
  public DomainState state() {
    DomainState state = domain.state();
    if (state == DomainState.SHUT_OFF) {
      memory.beginEpoch(false); // what is mapped would keep its pages from others
    }
    return state;
  }

  @Override
  public PhysicalMemory memory() {
    return memory;
  }

  @Override
  public DomainFacts facts() {
    return facts;
  }

  /**
   * A channel whose other end nobody in the guest has opened is opened, too: Xen tells nothing of
   * it.
   */
  @Override
  public Optional<GuestChannel> channel(String name) {
    try (XenStore store = XenStore.open()) {
      Optional<Path> socket = XenChannels.socket(store, identity().id(), name);
      return socket.isEmpty()
          ? Optional.empty()
          : Optional.of(SocketChannelWire.open(socket.get()));
    } catch (IOException e) {
      LOG.info("channel {} cannot be opened: {}", name, e.toString());
      return Optional.empty();
    }
  }

  @Override
  public PauseLog pauses() {
    return pauses;
  }

  @Override
  public void expectPauses() {
    if (session.isPresent() || prepared.filter(WatchdogProcess::alive).isPresent()) {
      return;
    }
    try {
      if (!ownedByAnother()) {
        prepared = Optional.of(WatchdogProcess.start(guard.command()));
      }
    } catch (IOException e) {
      LOG.debug("the first pause will tell what is wrong", e);
    }
  }

  @Override
  public PausedGuest pause(String purpose) {
    return pause(purpose, () -> {});
  }

  @Override
  public PausedGuest pause(String purpose, Runnable lastLook) {
    if (lease.isPresent() && lease.get().isOpen()) {
      throw new IllegalStateException("the guest is paused already: purpose=" + purpose);
    }
    requireSettled();
    DomainState state = state();
    if (state != DomainState.RUNNING && state != DomainState.PAUSED) {
      throw new DomainRefusedException(new DomainRefusal.NotRunning(identity().name(), state));
    }
    try {
      XenSession usable = session();
      usable.arm(state == DomainState.RUNNING, lastLook);
      long start = System.nanoTime();
      usable.stop();
      memory.beginEpoch(true);
      XenPausedGuest held =
          new XenPausedGuest(
              purpose, domain, usable, memory, pauses, start, state != DomainState.RUNNING);
      lease = Optional.of(held);
      return held;
    } catch (IOException e) {
      throw domain.refusal("stopping domain '" + identity().name() + "'", e);
    }
  }

  private XenSession session() throws IOException {
    if (session.isEmpty() || !session.get().usable()) {
      closeSession();
      Optional<WatchdogProcess> begun = prepared.filter(WatchdogProcess::alive);
      prepared = Optional.empty();
      if (begun.isEmpty()) {
        awaitFree();
        begun = Optional.of(WatchdogProcess.start(guard.command()));
      }
      session =
          Optional.of(
              XenSession.open(
                  domain.control(),
                  identity().id(),
                  begun.get(),
                  guard.path(),
                  guard.silenceLimit(),
                  System::nanoTime));
    }
    return session.get();
  }

  private void awaitFree() throws IOException {
    long deadline = System.nanoTime() + TAKE_OVER_PATIENCE.toNanos();
    while (ownedByAnother()) {
      if (System.nanoTime() > deadline) {
        throw new DomainRefusedException(new DomainRefusal.HeldByAnother(identity().name()));
      }
      LockSupport.parkNanos(NAP.toNanos());
    }
  }

  private boolean ownedByAnother() throws IOException {
    Files.createDirectories(guard.path().toAbsolutePath().getParent());
    try (FileChannel channel =
        FileChannel.open(
            Ownership.lockOf(guard.path()), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      return channel.tryLock() == null;
    }
  }

  @Override
  public void writeUnreachable(GuestPhysicalAddress at, byte[] bytes) {
    if (lease.filter(XenPausedGuest::isOpen).isEmpty()) {
      requireSettled();
    }
    memory.write(at, bytes);
  }

  /** Xen tells of a migration or save only when the guest has stopped itself for it. */
  @Override
  public void requireSettled() {
    long deadline = System.nanoTime() + patience.toNanos();
    Optional<DomainInfo> info = domain.current();
    while (info.filter(DomainInfo::suspended).isPresent() && System.nanoTime() < deadline) {
      LockSupport.parkNanos(NAP.toNanos());
      info = domain.current();
    }
    if (info.filter(DomainInfo::suspended).isPresent()) {
      throw new DomainRefusedException(
          new DomainRefusal.Migrating(identity().name(), "it has suspended itself"));
    }
    if (info.isEmpty()) {
      memory.beginEpoch(false);
      throw new DomainRefusedException(
          new DomainRefusal.NotRunning(identity().name(), DomainState.SHUT_OFF));
    }
  }

  @Override
  public void holdForMigration(Duration longest) {
    patience = longest;
  }

  private void closeSession() throws IOException {
    Optional<XenSession> old = session;
    session = Optional.empty();
    if (old.isPresent()) {
      old.get().close();
    }
  }

  @Override
  public void close() {
    try (memory) {
      lease.ifPresent(XenPausedGuest::close);
      closeSession();
      if (prepared.isPresent()) {
        prepared.get().dismiss();
      }
    } catch (IOException e) {
      throw domain.refusal("letting go of domain '" + identity().name() + "'", e);
    }
  }
}
