package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.agent.AgentAnswer;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.agent.AgentRequest;
import org.lucos.patcher.app.AskAgent;
import org.lucos.patcher.guestcall.GuestCallResult;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.guestcall.GuestProgram;
import org.lucos.patcher.guestcall.Nudge;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.tests.agent.AgentProgram;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/** A guest with the agent in its initramfs. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class AgentTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Mechanism PATCH = Mechanism.CMDLINE;
  private static final String PORT =
      "port=/dev/$(cd /sys/class/virtio-ports; grep -l org.lucos.agent.0 */name | cut -d/ -f1); ";

  private static TestGuest guest;

  @BeforeAll
  static void boot() {
    guest = TestGuest.boot(GuestSpec.cloud("6.1").withAgent(AgentProgram.inGuest()));
  }

  @AfterAll
  static void end() {
    guest.close();
  }

  @BeforeEach
  void startAgent() {
    endWhateverSpeaks();
    start("/usr/sbin/lucos-agent");
  }

  @Test
  @Order(1)
  void whatItSaysIsWhatTheHostSees() {
    guest.run("sleep 100000 >/dev/null 2>&1 & echo $! >/tmp/sleeper");
    int sleeper = Integer.parseInt(guest.run("cat /tmp/sleeper"));
    inside(
        (kernel, link) -> {
          AgentAnswer.Facts facts = link.facts(LONG);
          assertThat(facts.release()).isEqualTo(kernel.identity().release());
          assertThat(facts.bootId()).isEqualTo(guest.run("cat /proc/sys/kernel/random/boot_id"));
          assertThat(Long.toString(facts.tainted()))
              .isEqualTo(guest.run("cat /proc/sys/kernel/tainted"));
          assertThat(facts.tracer()).isEqualTo("nop");
          assertThat(facts.tracedFunctions()).isZero();

          String function = functionItSleepsIn(sleeper);
          AgentAnswer.Quiescence seen = link.quiescence(List.of(function), LONG);
          assertThat(seen.unreadable()).isZero();
          assertThat(seen.tasks())
              .isCloseTo(kernel.tasks().all().size(), org.assertj.core.api.Assertions.within(8));
          AgentAnswer.Inside inside =
              seen.inside().stream().filter(t -> t.pid() == sleeper).findFirst().orElseThrow();
          assertThat(inside.comm()).isEqualTo("sleep");
          assertThat(inside.function()).isEqualTo(function);
          assertThat(inside.stack()).anyMatch(frame -> frame.startsWith(function + "+"));

          guest.run("echo '<2>WARNING: CPU: not of the kernel' >/dev/kmsg");
          assertThat(link.kernelLog(LONG).incidents())
              .noneMatch(incident -> incident.text().contains("not of the kernel"));
        });
    guest.run("kill " + sleeper);
    AskAgent agent = new AskAgent(Bundles.settings());
    assertThat(agent.ping(guest.name(), LONG).passed()).isTrue();
    assertThat(agent.command(guest.name(), List.of("/bin/uname", "-r"), LONG).lines())
        .contains(guest.release());
  }

  private static String functionItSleepsIn(int pid) {
    String top = guest.run("sed -n '1s/.*] \\([^+]*\\)+.*/\\1/p' /proc/" + pid + "/stack");
    assertThat(top).isNotEmpty();
    return top;
  }

  @Test
  @Order(2)
  void frozenGroupThawsByItselfAndWhenToldTo() {
    guest.run(
        "mkdir -p /sys/fs/cgroup/frozen;"
            + " (while :; do echo x >>/tmp/ticks; sleep 0.1; done) >/dev/null 2>&1 &"
            + " echo $! >/sys/fs/cgroup/frozen/cgroup.procs; echo $! >/tmp/ticker");
    try {
      inside(
          (kernel, link) -> {
            assertThat(link.freeze("frozen", Duration.ofSeconds(10), LONG).passed()).isTrue();
            assertThat(state()).isEqualTo("1");
            assertThat(link.thaw("frozen", LONG).passed()).isTrue();
            assertThat(state()).isEqualTo("0");
            assertThat(link.freeze("frozen", Duration.ofMillis(300), LONG).passed()).isTrue();
          });
      awaitThawed();
      // the runner may be killed: the process that thaws outlives it
      inside((kernel, link) -> link.freeze("frozen", Duration.ofSeconds(10), LONG));
      guest.run("kill -9 $(cat /tmp/agent)");
      awaitThawed();
    } finally {
      guest.run("echo 0 >/sys/fs/cgroup/frozen/cgroup.freeze; kill $(cat /tmp/ticker)");
    }
  }

  private static String state() {
    return guest.run("cat /sys/fs/cgroup/frozen/cgroup.freeze");
  }

  private static void awaitThawed() {
    guest.run("until grep -q 0 /sys/fs/cgroup/frozen/cgroup.freeze; do sleep 0.2; done");
  }

  @Test
  @Order(3)
  void nudgedAgentCarriesCallsOfAnIdleGuest() {
    List<GuestCallResult> without = new ArrayList<>();
    List<GuestCallResult> with = new ArrayList<>();
    inside(
        (kernel, link) -> {
          Nudge nudge = nudge(link);
          for (int i = 0; i < 5; i++) {
            without.add(call(kernel, Nudge.NONE));
            with.add(call(kernel, nudge));
          }
        });
    System.out.printf(
        "guest call in an idle guest: %d ms, with a nudge %d ms (medians of 5), ratio %.1f;"
            + " carriers %s%n",
        median(without),
        median(with),
        (double) median(without) / Math.max(1, median(with)),
        with.stream().map(GuestCallResult::carrier).toList());
    assertThat(with).anyMatch(result -> result.carrier().startsWith("lucos-agent["));
    guest.assertNoKernelWarnings();
  }

  private static long median(List<GuestCallResult> results) {
    return results.stream().map(r -> r.duration().toMillis()).sorted().toList().get(2);
  }

  private static GuestCallResult call(RunningKernel kernel, Nudge nudge) {
    GuestProgram.Builder program = GuestProgram.named("look at the clock");
    program.call(kernel.symbols().address("ktime_get"));
    try (GuestCalls calls = GuestCalls.open(kernel, nudge)) {
      return calls.call(program.build(), LONG);
    }
  }

  private static Nudge nudge(AgentLink link) {
    return new Nudge() {
      @Override
      public OptionalInt task() {
        return OptionalInt.of(link.hello().pid());
      }

      @Override
      public void come() {
        link.nudge();
      }
    };
  }

  /** Whatever is at the other end of the wire, patches go in and out. */
  @Test
  @Order(4)
  void patchesGoInAndOutWhateverTheAgentDoes() {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    applied(operator);

    guest.run("killall -STOP lucos-agent");
    assertSilent();
    reverted(operator);
    endWhateverSpeaks();

    start("sh -c \"" + "cat /dev/urandom >\\$port\"");
    applied(operator);
    endWhateverSpeaks();

    start("sh -c \"yes '{\\\"id\\\":1,\\\"ok\\\":{}}' >\\$port\"");
    reverted(operator);
    endWhateverSpeaks();

    // says that it is init, and that nobody is anywhere
    guest.write("/tmp/liar", LIAR.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    start("sh /tmp/liar");
    inside((kernel, link) -> assertThat(link.hello().pid()).isEqualTo(1));
    applied(operator);
    endWhateverSpeaks();

    reverted(operator);
    guest.assertNoKernelWarnings();
  }

  private static final String LIAR =
      """
      exec <>$port >&0
      while :; do
        if read -r line; then
          id=$(echo "$line" | sed -n 's/.*"id":\\([0-9]*\\).*/\\1/p')
          [ -z "$id" ] ||
            echo "{\\"id\\":$id,\\"ok\\":{\\"protocol\\":1,\\"agent\\":\\"liar\\",\\"pid\\":1,\\"capabilities\\":[]}}"
        else
          sleep 0.1
        fi
      done
      """;

  private static void applied(Operator operator) {
    operator.apply(PATCH.recipe());
    PATCH.assertSeen(guest);
    operator.assertSound(1);
  }

  private static void reverted(Operator operator) {
    operator.revert(PATCH.recipe());
    PATCH.assertNotSeen(guest);
    operator.assertSound(0);
  }

  private static void assertSilent() {
    try (Hypervisor hypervisor = Hypervisor.open("qemu:///system");
        GuestDomain domain = hypervisor.attach(guest.name())) {
      assertThatThrownBy(() -> AgentLink.open(domain, Duration.ofMillis(500)))
          .isInstanceOfSatisfying(
              AgentException.class,
              e -> assertThat(e.kind()).isEqualTo(AgentException.Kind.SILENT));
    }
  }

  private static void start(String program) {
    guest.run(
        PORT
            + "export port; setsid "
            + program
            + " </dev/null >/dev/null 2>&1 & echo $! >/tmp/agent");
  }

  /** Everything that was started to speak at the port, and what that started. */
  private static void endWhateverSpeaks() {
    guest.run(
        "if [ -s /tmp/agent ]; then kill -9 -$(cat /tmp/agent) 2>/dev/null;"
            + " killall -9 lucos-agent 2>/dev/null; rm /tmp/agent; fi; :");
  }

  @FunctionalInterface
  private interface Work {
    void with(RunningKernel kernel, AgentLink link);
  }

  private static void inside(Work work) {
    try (Hypervisor hypervisor = Hypervisor.open("qemu:///system");
        GuestDomain domain = hypervisor.attach(guest.name());
        AgentLink link = AgentLink.open(domain, LONG)) {
      link.ask(new AgentRequest.Ping(), LONG);
      work.with(RunningKernel.attach(domain, Bundles.settings().cache().resolve("running")), link);
    }
  }
}
