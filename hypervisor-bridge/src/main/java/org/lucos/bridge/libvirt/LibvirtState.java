package org.lucos.bridge.libvirt;

import java.util.Optional;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.jna.LibvirtConnection;

/**
 * Which of libvirt's domain states cannot be worked on. Numbers are those of {@code virDomainState}
 * and {@code virDomainPausedReason} in libvirt-domain.h, which never change.
 */
final class LibvirtState {
  private static final int RUNNING = 1;
  private static final int BLOCKED = 2;
  private static final int PAUSED = 3;
  private static final int SHUTDOWN = 4;
  private static final int CRASHED = 6;
  private static final int SUSPENDED = 7;

  private static final int PAUSED_MIGRATION = 2;
  private static final int PAUSED_SAVE = 3;
  private static final int PAUSED_DUMP = 4;
  private static final int PAUSED_CRASHED = 10;
  private static final int PAUSED_POSTCOPY = 11;

  private LibvirtState() {}

  /** Why a domain in this state is refused; empty if it is not. */
  static Optional<DomainRefusal> refusal(String name, Optional<LibvirtConnection.State> state) {
    if (state.isEmpty()) {
      return Optional.of(new DomainRefusal.NotRunning(name, DomainState.SHUT_OFF));
    }
    return switch (state.get().state()) {
      case RUNNING, BLOCKED -> Optional.empty();
      case PAUSED -> paused(name, state.get().reason());
      case CRASHED -> Optional.of(new DomainRefusal.NotRunning(name, DomainState.CRASHED));
      case SHUTDOWN -> Optional.of(new DomainRefusal.NotRunning(name, DomainState.ENDING));
      case SUSPENDED -> Optional.of(new DomainRefusal.NotRunning(name, DomainState.SUSPENDED));
      default -> Optional.of(new DomainRefusal.NotRunning(name, DomainState.SHUT_OFF));
    };
  }

  private static Optional<DomainRefusal> paused(String name, int reason) {
    return switch (reason) {
      case PAUSED_MIGRATION, PAUSED_POSTCOPY ->
          Optional.of(new DomainRefusal.Migrating(name, "paused for migration"));
      case PAUSED_SAVE -> Optional.of(new DomainRefusal.Migrating(name, "paused for saving"));
      case PAUSED_DUMP -> Optional.of(new DomainRefusal.Migrating(name, "paused for a dump"));
      case PAUSED_CRASHED -> Optional.of(new DomainRefusal.NotRunning(name, DomainState.CRASHED));
      default -> Optional.empty();
    };
  }
}
