package org.lucos.patcher.kernel;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainFacts;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.memory.PhysicalMemory;

/** A guest that is nothing but memory. */
record FakeDomain(String name, PhysicalMemory memory) implements GuestDomain {
  @Override
  public DomainIdentity identity() {
    return new DomainIdentity(
        name, UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)), 1);
  }

  @Override
  public DomainState state() {
    return DomainState.RUNNING;
  }

  @Override
  public DomainFacts facts() {
    return new DomainFacts("none", "none", 1, 0, OptionalLong.empty(), Set.of());
  }

  @Override
  public PausedGuest pause(String purpose, Runnable lastLook) {
    throw new UnsupportedOperationException("memory cannot be paused");
  }

  @Override
  public PausedGuest pause(String purpose) {
    throw new UnsupportedOperationException("memory cannot be paused");
  }

  @Override
  public void writeUnreachable(GuestPhysicalAddress at, byte[] bytes) {
    throw new UnsupportedOperationException("memory is only read here");
  }

  @Override
  public void holdForMigration(Duration longest) {}

  @Override
  public void requireSettled() {}

  @Override
  public PauseLog pauses() {
    return new PauseLog();
  }

  @Override
  public void close() {}
}
