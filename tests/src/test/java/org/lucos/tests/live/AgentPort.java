package org.lucos.tests.live;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.app.ShowAudit;
import org.lucos.tests.agent.AgentProgram;
import org.lucos.tests.guest.TestGuest;

/** The port of a guest that is for its agent, and who speaks there. */
record AgentPort(TestGuest guest) {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final String PORT =
      "port=/dev/$(cd /sys/class/virtio-ports; grep -l org.lucos.agent.0 */name | cut -d/ -f1); ";

  /** Answers everything with the same: {@code last} not empty, once only. */
  private static final String LIAR =
      """
      exec <>$port >&0
      while :; do
        if read -r line; then
          id=$(echo "$line" | sed -n 's/.*"id":\\([0-9]*\\).*/\\1/p')
          [ -z "$id" ] || {
            echo "{\\"id\\":$id,\\"ok\\":{\\"protocol\\":1,\\"agent\\":\\"liar\\",\\"pid\\":$pid,\\"capabilities\\":[],\
      \\"tasks\\":9,\\"kernelThreads\\":0,\\"uninterruptible\\":0,\\"unreadable\\":0,\\"found\\":$found,\\"inside\\":[]}}"
            [ -z "$last" ] || exit
          }
        else
          sleep 0.1
        fi
      done
      """;

  /** Has somebody lie, with the values given. */
  void lie(String lies) {
    guest.write("/tmp/liar", LIAR.getBytes(StandardCharsets.UTF_8));
    start("env " + lies + " sh /tmp/liar");
  }

  /** Has a program of the guest speak at its virtio-serial port, as {@code $port}. */
  void start(String program) {
    run(PORT + "export port; ", program);
  }

  /** What the audit log says of the agent in the last operation. */
  JsonNode recorded() {
    return new ShowAudit(Bundles.settings())
        .run(Optional.of(guest.name()), 1)
        .lines()
        .get(0)
        .record()
        .path("agent");
  }

  /** Has the agent look for its port. */
  void startAgent() {
    run("", AgentProgram.IN_GUEST);
  }

  private void run(String before, String program) {
    guest.run(before + "setsid " + program + " </dev/null >/dev/null 2>&1 & echo $! >/tmp/agent");
  }

  /** Everything that was started to speak at the port, and what that started. */
  void end() {
    guest.run(
        "if [ -s /tmp/agent ]; then kill -9 -$(cat /tmp/agent) 2>/dev/null;"
            + " killall -9 lucos-agent 2>/dev/null; rm /tmp/agent; fi; :");
  }

  /** The hypervisor tells that somebody has opened the port a little later. */
  AgentLink link(GuestDomain domain) {
    long deadline = System.nanoTime() + LONG.toNanos();
    while (true) {
      try {
        return AgentLink.open(domain, LONG);
      } catch (AgentException e) {
        if (e.kind() != AgentException.Kind.ABSENT || System.nanoTime() > deadline) {
          throw e;
        }
        guest.run("sleep 0.1");
      }
    }
  }
}
