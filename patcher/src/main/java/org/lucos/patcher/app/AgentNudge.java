package org.lucos.patcher.app;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.guestcall.Nudge;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The guest's agent as one who comes when asked. It is looked for before the first call; one that
 * does not answer at once, or is lost later, is not asked again by this command.
 */
final class AgentNudge implements Nudge, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AgentNudge.class);

  /** All that an agent which is not there may cost a command. */
  private static final Duration LIMIT = Duration.ofMillis(250);

  private final GuestDomain domain;
  private @Nullable AgentLink link;
  private boolean lookedFor;

  AgentNudge(GuestDomain domain) {
    this.domain = domain;
  }

  @Override
  public OptionalInt task() {
    if (!lookedFor) {
      lookedFor = true;
      link = find().orElse(null);
    }
    return link == null ? OptionalInt.empty() : OptionalInt.of(link.hello().pid());
  }

  private Optional<AgentLink> find() {
    try {
      return Optional.of(AgentLink.open(domain, LIMIT));
    } catch (AgentException e) {
      LOG.debug("no agent carries calls: {}", e.getMessage());
      return Optional.empty();
    }
  }

  @Override
  public void come() {
    if (link != null) {
      try {
        link.nudge();
      } catch (AgentException e) {
        LOG.info("the agent is lost: {}", e.getMessage());
        close();
      }
    }
  }

  @Override
  public void close() {
    AgentLink open = link;
    link = null;
    if (open != null) {
      open.close();
    }
  }
}
