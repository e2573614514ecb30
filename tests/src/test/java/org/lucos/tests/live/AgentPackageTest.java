package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.app.AskAgent;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.tests.agent.AgentProgram;
import org.lucos.tests.guest.GuestFile;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/** The agent as an operator installs it. */
class AgentPackageTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  @Test
  void installedPackageAnswersAndLeavesNothingWhenRemoved() {
    AskAgent agent = new AskAgent(Bundles.settings());
    try (TestGuest guest =
        TestGuest.boot(
            GuestSpec.debian("6.1")
                .withAgent(new GuestFile(AgentProgram.debianPackage(), "/root/agent.deb")))) {
      guest.run("dpkg -i /root/agent.deb");
      assertThat(guest.run("systemctl is-active lucos-agent")).isEqualTo("active");
      awaitAgent(agent, guest);
      assertThat(agent.facts(guest.name(), LONG).lines()).contains("release    " + guest.release());
      assertThat(agent.tcp(guest.name(), "127.0.0.1", 22, LONG).passed()).isTrue();
      assertThat(agent.service(guest.name(), "cron", LONG).passed()).isTrue();
      guest.run("systemctl stop cron");
      AskAgent.Outcome stopped = agent.service(guest.name(), "cron", LONG);
      assertThat(stopped.passed()).isFalse();
      assertThat(stopped.lines()).contains("inactive");
      guest.run("dpkg -P lucos-agent");
      assertThat(guest.attempt("pidof lucos-agent").status()).isNotZero();
      Operator.refusal(
          GuestRefusal.NoAgent.class, () -> agent.ping(guest.name(), Duration.ofSeconds(1)));
    }
  }

  /** A service is active before its program has opened anything. */
  private static void awaitAgent(AskAgent agent, TestGuest guest) {
    long deadline = System.nanoTime() + LONG.toNanos();
    while (true) {
      try {
        agent.ping(guest.name(), LONG);
        return;
      } catch (RefusedException e) {
        if (System.nanoTime() > deadline) {
          throw e;
        }
        guest.run("sleep 0.2");
      }
    }
  }
}
