package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.lucos.tests.agent.AgentProgram;
import org.lucos.tests.guest.HostedGuest;

/** The agent of a guest that goes to another host, is saved, or loses its host's libvirt daemon. */
@ExtendWith(TwoHosts.Resolver.class)
class AgentMovesTest {
  private static final Mechanism PATCH = Mechanism.CMDLINE;
  private static final Duration BOUND = Duration.ofSeconds(60);

  @Test
  void agentGoesOnToAnswerWhateverHappensToItsGuestAndItsHost(TwoHosts hosts) throws Exception {
    try (HostedGuest guest =
        hosts.here().bootWithAgent("lucos-agent-moves", AgentProgram.inGuest())) {
      start(guest);
      String process = guest.run("pidof lucos-agent");
      assertAnswers(guest);

      Process migration = guest.startMigration(hosts.there());
      assertThat(migration.waitFor(2, TimeUnit.MINUTES)).isTrue();
      assertThat(migration.exitValue()).isZero();
      guest.arrived(hosts.there());
      assertAnswers(guest);
      carriesAPatch(guest);

      Path file = guest.host().run("agent.save");
      guest.host().virsh("save", guest.name(), file.toString());
      guest.host().virsh("restore", file.toString(), "--running");
      guest.reconnect();
      assertAnswers(guest);

      guest.host().killLibvirt();
      guest.host().startLibvirt();
      assertAnswers(guest);
      assertThat(guest.run("pidof lucos-agent"))
          .as("nobody has started it anew")
          .isEqualTo(process);

      guest.host().virsh("reset", guest.name());
      guest.reconnect();
      HostLucos.run(guest.host(), "agent", guest.name(), "ping").assertRefused("no-agent");
      start(guest);
      assertAnswers(guest);
      assertThat(guest.troubles()).isEmpty();
    }
  }

  private static void start(HostedGuest guest) {
    guest.run("setsid /usr/sbin/lucos-agent </dev/null >/dev/null 2>&1 &");
  }

  /** The hypervisor tells a little later that the port is open in the guest. */
  private static void assertAnswers(HostedGuest guest) throws InterruptedException {
    String boot = guest.run("cat /proc/sys/kernel/random/boot_id");
    long deadline = System.nanoTime() + BOUND.toNanos();
    HostLucos.Answer answer = HostLucos.run(guest.host(), "agent", guest.name(), "facts");
    while (answer.exit() != 0 && System.nanoTime() < deadline) {
      Thread.sleep(500);
      answer = HostLucos.run(guest.host(), "agent", guest.name(), "facts");
    }
    answer.assertOk();
    assertThat(answer.json().at("/result/answer/bootId").asText()).isEqualTo(boot);
  }

  private static void carriesAPatch(HostedGuest guest) {
    HostedOperator operator = new HostedOperator(guest, PATCH);
    operator.apply().assertOk();
    PATCH.assertSeen(guest);
    HostLucos.Answer record = HostLucos.run(guest.host(), "audit", "show", "--guest", guest.name());
    assertThat(record.json().toString()).contains("\"state\":\"answered\"");
    operator.revert().assertOk();
    PATCH.assertNotSeen(guest);
    assertThat(guest.modules()).isEmpty();
  }
}
