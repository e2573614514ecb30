package org.lucos.bridge.qemu;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;

/**
 * What the QEMU rooms need of whoever manages the domain. Every method throws {@code
 * DomainRefusedException} when the manager or QEMU does not answer.
 */
public interface DomainControl extends AutoCloseable {

  /** How a monitor command is written. */
  enum Language {
    /** JSON, one object. */
    QMP,
    /** The human monitor's line. */
    HMP
  }

  /** Which domain this is. */
  DomainIdentity identity();

  /** Sends one monitor command and returns QEMU's answer, unparsed. */
  String monitor(String command, Language language);

  /** The manager's job on this domain, such as a migration or a save; empty if there is none. */
  Optional<String> activeJob();

  /** Has the manager cancel its job on this domain. */
  void cancelJob();

  /** Where on this host the end of a channel is; empty if none so named is open in the guest. */
  default Optional<Path> channelSocket(String name) {
    return Optional.empty();
  }

  /**
   * Asks {@code qemu-guest-agent}, which speaks like a monitor.
   *
   * @param limit how long it may take to answer, in whole seconds
   */
  default String guestAgent(String command, Duration limit) {
    throw new DomainRefusedException(
        new DomainRefusal.HypervisorFailure(
            "asking qemu-guest-agent", "this connection leads to none"));
  }

  @Override
  void close();
}
