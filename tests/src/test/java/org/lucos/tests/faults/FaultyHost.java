package org.lucos.tests.faults;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainFacts;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.qemu.DomainControl;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.tests.faults.Faults.Kind;
import org.lucos.tests.faults.Faults.Place;

/** The real hypervisor, in whose way {@link Faults} lie. */
record FaultyHost(Hypervisor hypervisor, Faults faults) implements GuestHost {
  @Override
  public GuestDomain attach(String nameUuidOrId) {
    return new Domain(
        hypervisor.attach(nameUuidOrId, control -> new Control(control, faults)), faults);
  }

  @Override
  public List<DomainIdentity> running() {
    return hypervisor.running();
  }

  @Override
  public void close() {
    hypervisor.close();
  }

  private static DomainRefusedException failure(String what) {
    return new DomainRefusedException(
        new DomainRefusal.HypervisorFailure(what, "a fault put here by a test"));
  }

  private static boolean is(Optional<Kind> fault, Kind kind) {
    return fault.equals(Optional.of(kind));
  }

  private record Control(DomainControl real, Faults faults) implements DomainControl {
    @Override
    public DomainIdentity identity() {
      return real.identity();
    }

    @Override
    public String monitor(String command, Language language) {
      Optional<Kind> fault = faults.arrive(Place.MONITOR, command);
      if (is(fault, Kind.BEFORE)) {
        throw failure(command);
      }
      String answer = real.monitor(command, language);
      if (fault.isPresent()) {
        throw failure(command);
      }
      return answer;
    }

    @Override
    public Optional<String> activeJob() {
      if (faults.arrive(Place.MONITOR, "job of libvirt").isPresent()) {
        throw failure("job of libvirt");
      }
      return real.activeJob();
    }

    @Override
    public void cancelJob() {
      real.cancelJob();
    }

    @Override
    public void close() {
      real.close();
    }
  }

  private static final class Domain implements GuestDomain {
    private final GuestDomain real;
    private final Faults faults;

    Domain(GuestDomain real, Faults faults) {
      this.real = real;
      this.faults = faults;
    }

    @Override
    public DomainIdentity identity() {
      return real.identity();
    }

    @Override
    public DomainState state() {
      return real.state();
    }

    @Override
    public PhysicalMemory memory() {
      return new Memory(real.memory(), faults);
    }

    @Override
    public DomainFacts facts() {
      return real.facts();
    }

    @Override
    public void expectPauses() {
      real.expectPauses();
    }

    @Override
    public PausedGuest pause(String purpose) {
      return new Paused(real.pause(purpose), faults, purpose);
    }

    @Override
    public PausedGuest pause(String purpose, Runnable lastLook) {
      return new Paused(real.pause(purpose, lastLook), faults, purpose);
    }

    @Override
    public void writeUnreachable(GuestPhysicalAddress at, byte[] bytes) {
      Optional<Kind> fault = faults.arrive(Place.BUFFER, bytes.length + " bytes");
      if (is(fault, Kind.BEFORE)) {
        throw failure("writing a buffer");
      }
      if (is(fault, Kind.PARTLY)) {
        real.writeUnreachable(at, java.util.Arrays.copyOf(bytes, bytes.length / 2));
        throw failure("writing a buffer");
      }
      real.writeUnreachable(at, bytes);
      if (fault.isPresent()) {
        throw failure("writing a buffer");
      }
    }

    @Override
    public void holdForMigration(Duration longest) {
      real.holdForMigration(longest);
    }

    @Override
    public void requireSettled() {
      real.requireSettled();
    }

    @Override
    public PauseLog pauses() {
      return real.pauses();
    }

    @Override
    public void close() {
      real.close();
    }
  }

  private record Paused(PausedGuest real, Faults faults, String purpose) implements PausedGuest {
    @Override
    public List<VcpuRegisters> registers() {
      if (faults.arrive(Place.REGISTERS, purpose).isPresent()) {
        throw failure("reading registers");
      }
      return real.registers();
    }

    @Override
    public void announce(List<Edit> edits) {
      if (faults.arrive(Place.ANNOUNCE, purpose + ", edits: " + edits.size()).isPresent()) {
        throw failure("announcing writes");
      }
      real.announce(edits);
    }

    @Override
    public void writeAll(List<Edit> edits) {
      Optional<Kind> fault = faults.arrive(Place.WRITE, purpose + ", edits: " + edits.size());
      if (is(fault, Kind.BEFORE)) {
        throw failure("writing guest memory");
      }
      if (is(fault, Kind.PARTLY)) {
        real.writeAll(edits.subList(0, (edits.size() + 1) / 2));
        throw failure("writing guest memory");
      }
      real.writeAll(edits);
      if (fault.isPresent()) {
        throw failure("writing guest memory");
      }
    }

    @Override
    public void commit() {
      real.commit();
    }

    @Override
    public boolean pausedBefore() {
      return real.pausedBefore();
    }

    @Override
    public Duration heldFor() {
      return real.heldFor();
    }

    @Override
    public void close() {
      Optional<Kind> fault = faults.arrive(Place.RESUME, purpose);
      real.close();
      if (fault.isPresent()) {
        throw failure("letting the guest run");
      }
    }
  }

  private record Memory(PhysicalMemory real, Faults faults) implements PhysicalMemory {
    @Override
    public List<MemoryRegion> regions() {
      return real.regions();
    }

    @Override
    public void read(GuestPhysicalAddress at, byte[] into, int offset, int length) {
      fault(at.value(), length);
      real.read(at, into, offset, length);
    }

    @Override
    public void readAll(List<Slice> slices) {
      if (!slices.isEmpty()) {
        fault(slices.get(0).at().value(), slices.get(0).length());
      }
      real.readAll(slices);
    }

    @Override
    public GuestPhysicalAddress located(GuestPhysicalAddress guests) {
      return real.located(guests);
    }

    @Override
    public long epoch() {
      return real.epoch();
    }

    private void fault(long at, long size) {
      if (faults.arrive(Place.READ, size + " bytes").isPresent()) {
        throw new MemoryFaultException("physical", at, size, "a fault put here by a test");
      }
    }
  }
}
