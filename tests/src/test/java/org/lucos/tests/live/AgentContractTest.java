package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.patcher.agent.AgentAnswer;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.agent.AgentRequest;
import org.lucos.patcher.app.AskAgent;
import org.lucos.tests.agent.AgentProgram;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;

/** The agent over whatever wire the hypervisor has. */
@Contract
class AgentContractTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Mechanism PATCH = Mechanism.CMDLINE;

  /** A slow one may be taken for none, and the next time not. */
  private static final int TRIES = 4;

  @Test
  void agentAnswersOneControllerAfterTheOtherAndMayDie() {
    try (TestGuest guest =
        TestGuest.boot(GuestSpec.cloud("6.1").withAgent(AgentProgram.inGuest()))) {
      AgentPort port = new AgentPort(guest);
      port.startAgent();
      String first = bootIdThatAgentTells(port);
      assertThat(first).isEqualTo(guest.run("cat /proc/sys/kernel/random/boot_id"));
      assertThat(bootIdThatAgentTells(port)).as("to the next controller").isEqualTo(first);
      AskAgent agent = new AskAgent(Bundles.settings());
      assertThat(agent.ping(guest.name(), LONG).passed()).isTrue();
      assertThat(agent.command(guest.name(), List.of("/bin/uname", "-r"), LONG).lines())
          .contains(guest.release());

      guest.markKernelLog();
      JsonNode told = patched(port, Set.of("answered"));
      assertThat(told.path("carried").asInt())
          .as("guest calls on the agent: %s", told)
          .isPositive();
      port.end();
      patched(port, Set.of("silent", "absent"));
      port.startAgent();
      assertThat(bootIdThatAgentTells(port)).as("of the next agent").isEqualTo(first);
      guest.assertNoKernelWarnings();
    }
  }

  private static String bootIdThatAgentTells(AgentPort port) {
    TestGuest guest = port.guest();
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name());
        AgentLink link = port.link(domain)) {
      AgentAnswer.Facts facts = link.ask(new AgentRequest.Facts(), LONG);
      assertThat(facts.release()).isEqualTo(guest.release());
      return facts.bootId();
    }
  }

  /** Applies and reverts a patch until the record has one of these states of the agent. */
  private static JsonNode patched(AgentPort port, Set<String> states) {
    TestGuest guest = port.guest();
    Operator operator = new Operator(guest);
    List<JsonNode> records = new ArrayList<>();
    for (int i = 0; i < TRIES; i++) {
      operator.apply(PATCH.recipe());
      PATCH.assertSeen(guest);
      operator.assertSound(1);
      records.add(port.recorded());
      operator.revert(PATCH.recipe());
      PATCH.assertNotSeen(guest);
      operator.assertSound(0);
      JsonNode told = records.get(i);
      if (states.contains(told.path("state").asText())) {
        return told;
      }
    }
    throw new AssertionError("no record says " + states + ": " + records);
  }
}
