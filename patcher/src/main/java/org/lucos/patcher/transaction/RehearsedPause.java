package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.List;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.vcpu.VcpuRegisters;

/**
 * A pause that is none: the guest runs on and nothing is written. What will be done in a pause can
 * be gone through with it.
 *
 * @param registers those of an earlier pause
 */
record RehearsedPause(List<VcpuRegisters> registers) implements PausedGuest {
  RehearsedPause {
    registers = List.copyOf(registers);
  }

  @Override
  public void writeAll(List<Edit> edits) {
    // nobody is there to be written to
  }

  @Override
  public void announce(List<Edit> edits) {
    // nor anything to be undone
  }

  @Override
  public void commit() {
    // nor to be kept
  }

  @Override
  public boolean pausedBefore() {
    return false;
  }

  @Override
  public Duration heldFor() {
    return Duration.ZERO;
  }

  @Override
  public void close() {
    // the guest has run all the time
  }
}
