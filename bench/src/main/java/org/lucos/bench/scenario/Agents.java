package org.lucos.bench.scenario;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentLink;

/** The agents of guests that have begun to start one. */
final class Agents {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration NAP = Duration.ofMillis(100);

  private Agents() {}

  /** The hypervisor tells that somebody has opened the port a little later. */
  static AgentLink link(GuestDomain domain) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      try {
        return AgentLink.open(domain, LIMIT);
      } catch (AgentException e) {
        if (e.kind() != AgentException.Kind.ABSENT || System.nanoTime() > deadline) {
          throw e;
        }
        LockSupport.parkNanos(NAP.toNanos());
      }
    }
  }
}
