package org.lucos.tests.faults;

import java.time.Duration;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainFacts;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.memory.PhysicalMemory;

/** A guest with another memory than its own, which is only looked at. */
record LyingGuest(GuestDomain real, PhysicalMemory memory) implements GuestDomain {
  @Override
  public DomainIdentity identity() {
    return real.identity();
  }

  @Override
  public DomainState state() {
    return DomainState.RUNNING;
  }

  @Override
  public DomainFacts facts() {
    return real.facts();
  }

  @Override
  public PausedGuest pause(String purpose) {
    throw new UnsupportedOperationException("only looked at");
  }

  @Override
  public PausedGuest pause(String purpose, Runnable lastLook) {
    throw new UnsupportedOperationException("only looked at");
  }

  @Override
  public void writeUnreachable(GuestPhysicalAddress at, byte[] bytes) {
    throw new UnsupportedOperationException("only looked at");
  }

  @Override
  public void holdForMigration(Duration longest) {}

  @Override
  public void requireSettled() {}

  @Override
  public PauseLog pauses() {
    return real.pauses();
  }

  @Override
  public void close() {}
}
