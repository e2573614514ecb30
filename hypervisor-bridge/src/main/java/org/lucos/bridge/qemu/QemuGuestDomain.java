package org.lucos.bridge.qemu;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.Capability;
import org.lucos.bridge.domain.DomainFacts;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestChannel;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestTools;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.jna.NativeCallException;
import org.lucos.bridge.jna.ProcessMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.wire.SocketChannelWire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A guest run by QEMU on this host. */
public final class QemuGuestDomain implements GuestDomain {
  private static final Logger LOG = LoggerFactory.getLogger(QemuGuestDomain.class);
  private static final String SOCKET_NAME = "lucos-gdb.sock";

  private final QemuHost host;
  private final DomainControl control;
  private final QemuMonitor monitor;
  private final QemuProcess process;
  private final QemuProcessMemory memory;
  private final List<QemuProcessMemory.Mapping> mappings;
  private final DomainFacts facts;
  private final MigrationWatch migration;
  private final PauseLog pauses = new PauseLog();
  private Optional<DebugSession> session = Optional.empty();
  private Optional<SessionPreparation> preparation = Optional.empty();
  private Optional<QemuPausedGuest> lease = Optional.empty();

  private QemuGuestDomain(
      QemuHost host,
      DomainControl control,
      QemuMonitor monitor,
      QemuProcess process,
      List<QemuProcessMemory.Mapping> mappings,
      DomainFacts facts) {
    this.host = host;
    this.control = control;
    this.monitor = monitor;
    this.process = process;
    this.mappings = mappings;
    this.memory = new QemuProcessMemory(mappings, new ProcessMemory(process.id()));
    this.facts = facts;
    this.migration = new MigrationWatch(control, monitor, this::processAlive, System::nanoTime);
  }

  /**
   * Gets hold of a domain; the guest is not disturbed.
   *
   * @param control to be closed with the domain, also if this fails
   * @throws DomainRefusedException if it cannot be worked on
   */
  public static QemuGuestDomain attach(QemuHost host, DomainControl control) {
    try {
      QemuMonitor monitor = new QemuMonitor(control);
      String name = control.identity().name();
      DomainState state = monitor.status().state();
      if (state == DomainState.ENDING || state == DomainState.CRASHED) {
        throw new DomainRefusedException(new DomainRefusal.NotRunning(name, state));
      }
      new MigrationWatch(control, monitor, () -> true, System::nanoTime).requireSettled();
      if (monitor.encrypted()) {
        throw new DomainRefusedException(new DomainRefusal.Encrypted(name, "AMD SEV"));
      }
      QemuProcess process =
          QemuProcess.find(control.identity(), host.procDirectory(), host.pidFileDirectory());
      List<QemuProcessMemory.Mapping> mappings = mappings(monitor);
      requireSameMappings(monitor, mappings);
      long bytes = mappings.stream().mapToLong(mapping -> mapping.region().size()).sum();
      QemuGuestDomain domain =
          new QemuGuestDomain(
              host, control, monitor, process, mappings, facts(monitor, bytes, process.id()));
      domain.requireReadable();
      return domain;
    } catch (RuntimeException e) {
      control.close();
      throw e;
    }
  }

  private static DomainFacts facts(QemuMonitor monitor, long memoryBytes, long processId) {
    String accelerator = monitor.accelerator();
    // Under KVM the processor runs what is in memory; TCG runs translations, which only writes
    // through QEMU drop.
    EnumSet<Capability> capabilities = EnumSet.allOf(Capability.class);
    if (!accelerator.equals("kvm")) {
      capabilities.remove(Capability.DIRECT_TEXT_WRITES);
    }
    return new DomainFacts(
        monitor.version(),
        accelerator,
        monitor.vcpus(),
        memoryBytes,
        OptionalLong.of(processId),
        capabilities);
  }

  private static List<QemuProcessMemory.Mapping> mappings(QemuMonitor monitor) {
    List<QemuProcessMemory.Mapping> mappings = new ArrayList<>();
    for (MemoryRegion region : RamLayout.parse(monitor.hmp("info mtree -f"))) {
      mappings.add(
          new QemuProcessMemory.Mapping(region, monitor.hostAddress(region.start().value())));
    }
    return List.copyOf(mappings);
  }

  /**
   * Guards against a layout that changes under our hands, and regions that are not in one piece.
   */
  private static void requireSameMappings(
      QemuMonitor monitor, List<QemuProcessMemory.Mapping> mappings) {
    for (QemuProcessMemory.Mapping mapping : mappings) {
      long last = mapping.region().size() - 1;
      long address = monitor.hostAddress(mapping.region().start().value() + last);
      if (address != mapping.hostAddress() + last) {
        throw new DomainRefusedException(
            new DomainRefusal.HypervisorFailure(
                "locating guest RAM in QEMU", "it moved: region=" + mapping.region()));
      }
    }
  }

  private void requireReadable() {
    try {
      memory.read(mappings.get(0).region().start(), new byte[1], 0, 1);
    } catch (MemoryFaultException e) {
      if (e.getCause() instanceof NativeCallException call
          && call.errno() == NativeCallException.EPERM) {
        throw new DomainRefusedException(
            new DomainRefusal.NoPermission(
                "reading the memory of QEMU process " + process.id(), call.toString()),
            e);
      }
      throw e;
    }
  }

  @Override
  public DomainIdentity identity() {
    return control.identity();
  }

  @Override
  public DomainState state() {
    return processAlive() ? monitor.status().state() : DomainState.SHUT_OFF;
  }

  @Override
  public PhysicalMemory memory() {
    return memory;
  }

  @Override
  public DomainFacts facts() {
    return facts;
  }

  @Override
  public Optional<GuestChannel> channel(String name) {
    return control
        .channelSocket(name)
        .flatMap(
            socket -> {
              try {
                return Optional.of(SocketChannelWire.open(socket));
              } catch (IOException e) {
                LOG.info("channel {} cannot be opened: {}", name, e.toString());
                return Optional.empty();
              }
            });
  }

  @Override
  public Optional<GuestTools> tools() {
    return QemuGuestTools.of(control);
  }

  @Override
  public PauseLog pauses() {
    return pauses;
  }

  @Override
  public void expectPauses() {
    if (session.isPresent() || preparation.filter(SessionPreparation::isUsable).isPresent()) {
      return;
    }
    try {
      preparation = Optional.of(prepare());
    } catch (IOException e) {
      LOG.debug("the first pause will tell what is wrong", e);
    }
  }

  private SessionPreparation prepare() throws IOException {
    return SessionPreparation.begin(host.watchdogCommand(identity(), socket()));
  }

  @Override
  public PausedGuest pause(String purpose) {
    return pause(purpose, () -> {}, false);
  }

  @Override
  public PausedGuest pause(String purpose, Runnable lastLook) {
    return pause(purpose, lastLook, true);
  }

  private PausedGuest pause(String purpose, Runnable lastLook, boolean registers) {
    if (lease.isPresent() && lease.get().isOpen()) {
      throw new IllegalStateException("the guest is paused already: purpose=" + purpose);
    }
    requireSettled();
    DomainState state = pausable();
    try {
      DebugSession usable = session();
      boolean running = state == DomainState.RUNNING;
      usable.arm(
          running,
          () -> {
            lastLook.run();
            pausable(); // a last look may take long; and who has just been asked stops sooner
          });
      long start = System.nanoTime();
      boolean wasRunning = usable.stop(running, registers);
      QemuPausedGuest held =
          new QemuPausedGuest(
              purpose,
              usable,
              memory,
              pauses,
              this::refusal,
              () -> monitor.status().resumable(),
              migration::endWhatBeganInAPause,
              start,
              !wasRunning);
      lease = Optional.of(held);
      return held;
    } catch (IOException e) {
      throw refusal(e);
    }
  }

  /** Refuses a guest that is not to be stopped just now. */
  private DomainState pausable() {
    QemuMonitor.Status status = monitor.status();
    DomainState state = status.state();
    if (state != DomainState.RUNNING && state != DomainState.PAUSED) {
      throw new DomainRefusedException(new DomainRefusal.NotRunning(identity().name(), state));
    }
    if (status.inTransit()) {
      throw new DomainRefusedException(
          new DomainRefusal.Migrating(identity().name(), status.word()));
    }
    return state;
  }

  private DebugSession session() throws IOException {
    if (session.isEmpty() || !session.get().usable()) {
      closeSession();
      if (!mappings(monitor).equals(mappings)) {
        throw new DomainRefusedException(
            new DomainRefusal.HypervisorFailure(
                "locating guest RAM in QEMU", "it moved since the domain was attached"));
      }
      Optional<SessionPreparation> begun = preparation.filter(SessionPreparation::isUsable);
      preparation = Optional.empty();
      session =
          Optional.of(
              DebugSession.open(
                  new DebugPort(monitor, identity().name(), socket()),
                  monitor,
                  begun.isPresent() ? begun.get() : prepare(),
                  pauses,
                  memory::beginEpoch));
      migration.endWhatBeganInAPause();
    }
    return session.get();
  }

  private Path socket() {
    return process
        .runDirectory()
        .map(directory -> directory.resolve(SOCKET_NAME))
        .orElseThrow(
            () ->
                new DomainRefusedException(
                    new DomainRefusal.HypervisorFailure(
                        "finding a place for the debug socket",
                        "QEMU's command line names no directory of libvirt's")));
  }

  @Override
  public void writeUnreachable(GuestPhysicalAddress at, byte[] bytes) {
    if (lease.filter(QemuPausedGuest::isOpen).isEmpty()) {
      requireSettled();
    }
    memory.write(at, bytes);
  }

  @Override
  public void requireSettled() {
    migration.requireSettled();
  }

  @Override
  public void holdForMigration(Duration longest) {
    migration.hold(longest);
  }

  private void requireAlive() {
    process.requireAlive(identity(), host.procDirectory());
  }

  private boolean processAlive() {
    try {
      requireAlive();
      return true;
    } catch (DomainRefusedException e) {
      if (e.refusal() instanceof DomainRefusal.NotRunning) {
        return false;
      }
      throw e;
    }
  }

  /** What a failure of the debug session means. */
  private DomainRefusedException refusal(IOException cause) {
    DomainRefusal reason =
        processAlive()
            ? new DomainRefusal.HypervisorFailure(
                "debugging domain '" + identity().name() + "'", String.valueOf(cause.getMessage()))
            : migration.gone();
    return new DomainRefusedException(reason, cause);
  }

  private void closeSession() throws IOException {
    Optional<DebugSession> old = session;
    session = Optional.empty();
    if (old.isPresent()) {
      old.get().close();
    }
  }

  @Override
  public void close() {
    try (control) {
      lease.ifPresent(QemuPausedGuest::close);
      closeSession();
      if (preparation.isPresent()) {
        preparation.get().close();
      }
    } catch (IOException e) {
      throw refusal(e);
    } catch (DomainRefusedException e) {
      // What was done is done. A migration that has begun, say, leaves the port to the watchdog.
      LOG.warn("the debug port is not closed yet: {}", e.getMessage());
    }
  }
}
