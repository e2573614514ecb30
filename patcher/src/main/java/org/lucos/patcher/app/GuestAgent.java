package org.lucos.patcher.app;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.agent.AgentRequest;
import org.lucos.patcher.guestcall.Nudge;
import org.lucos.patcher.transaction.GuestPatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The guest's agent in one operation: it comes when a call is to be carried, and is asked who is
 * inside of the functions. It is looked for when it is first needed; one that does not answer, or
 * is lost later, is not asked again. Nothing is done, or left undone, for what it says: that is for
 * the record.
 */
final class GuestAgent implements Nudge, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GuestAgent.class);

  /** For each question; one that is not answered is the last. */
  private static final Duration LIMIT = Duration.ofSeconds(1);

  /** As many names as the protocol takes. */
  private static final int MOST_FUNCTIONS = 64;

  private final GuestDomain domain;
  private @Nullable AgentLink link;
  private boolean lookedFor;
  private String state = "not-asked";
  private String version = "";
  private String detail = "";
  private int calls;
  private int carried;
  private int inside = -1;

  GuestAgent(GuestDomain domain) {
    this.domain = domain;
  }

  /**
   * What is recorded of it.
   *
   * @param state {@code not-asked}, {@code answered}, or why it is not asked any more: {@code
   *     absent}, {@code silent}, {@code nonsense}, {@code unwilling}
   * @param version as it says; empty if it never answered
   * @param detail why it is not asked any more
   * @param calls how many calls ran in the guest while it was there
   * @param carried how many of them ran in the task that it named, as the guest's memory shows
   * @param inside how many tasks it said are inside of the functions, just before they were
   *     switched; -1 if it did not say
   * @param differs whether the guest's memory showed otherwise a moment later, which may be a lie
   *     or that moment
   */
  record Evidence(
      String state,
      String version,
      String detail,
      int calls,
      int carried,
      int inside,
      boolean differs) {}

  /**
   * What is to be recorded.
   *
   * @param found how many tasks the stack checks found inside; empty if there was none
   */
  Evidence evidence(OptionalInt found) {
    boolean differs = inside >= 0 && found.isPresent() && (inside == 0) != (found.getAsInt() == 0);
    return new Evidence(state, version, detail, calls, carried, inside, differs);
  }

  /** Asks who is inside of the functions of these patches, for the record. */
  void askInside(List<GuestPatch> patches) {
    AgentLink open = look();
    if (open == null) {
      return;
    }
    try {
      List<String> names =
          patches.stream()
              .flatMap(patch -> patch.sites().stream())
              .map(site -> site.target().function())
              .distinct()
              .limit(MOST_FUNCTIONS)
              .toList();
      inside = open.ask(new AgentRequest.Quiescence(names), LIMIT).found();
    } catch (AgentException e) {
      lost(e);
    }
  }

  @Override
  public OptionalInt task() {
    AgentLink open = look();
    return open == null ? OptionalInt.empty() : OptionalInt.of(open.hello().pid());
  }

  @Override
  public void come() {
    if (link != null) {
      try {
        link.nudge();
      } catch (AgentException e) {
        lost(e);
      }
    }
  }

  @Override
  public void carried(String carrier) {
    if (link != null) {
      calls++;
      if (carrier.endsWith("[" + link.hello().pid() + "]")) {
        carried++;
      }
    }
  }

  private @Nullable AgentLink look() {
    if (!lookedFor) {
      lookedFor = true;
      try {
        link = AgentLink.open(domain, LIMIT);
        version = link.hello().agent();
        state = "answered";
      } catch (AgentException e) {
        lost(e);
      } catch (DomainRefusedException e) {
        lost(new AgentException(AgentException.Kind.ABSENT, String.valueOf(e.getMessage())));
      }
    }
    return link;
  }

  private void lost(AgentException e) {
    LOG.info("the guest's agent is not asked: {}", e.getMessage());
    state = e.kind().name().toLowerCase(Locale.ROOT);
    detail = String.valueOf(e.getMessage());
    close();
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
