package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.lucos.tests.live.CommandLine.lucos;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Predicate;
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
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.agent.AgentRequest;
import org.lucos.patcher.app.AskAgent;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.RevertPatch;
import org.lucos.patcher.app.SwitchLimits;
import org.lucos.patcher.guestcall.GuestCallResult;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.guestcall.GuestProgram;
import org.lucos.patcher.guestcall.Nudge;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.tests.agent.AgentProgram;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/** A guest with the agent in its initramfs. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class AgentTest {
  private static final int TRIES = 4;
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Mechanism PATCH = Mechanism.CMDLINE;

  /** Calls of each kind that are measured: {@code -Dlucos.agent.calls=31} tells more. */
  private static final int CALLS = Integer.getInteger("lucos.agent.calls", 5);

  private static TestGuest guest;
  private static AgentPort port;

  @BeforeAll
  static void boot() {
    guest = TestGuest.boot(GuestSpec.cloud("6.1").withAgent(AgentProgram.inGuest()));
    port = new AgentPort(guest);
  }

  @AfterAll
  static void end() {
    guest.close();
  }

  @BeforeEach
  void startAgent() {
    port.end();
    port.startAgent();
  }

  @Test
  @Order(1)
  void whatItSaysIsWhatTheHostSees() {
    guest.run("sleep 100000 >/dev/null 2>&1 & echo $! >/tmp/sleeper");
    int sleeper = Integer.parseInt(guest.run("cat /tmp/sleeper"));
    inside(
        (kernel, link) -> {
          AgentAnswer.Facts facts = link.ask(new AgentRequest.Facts(), LONG);
          assertThat(facts.release()).isEqualTo(kernel.identity().release());
          assertThat(facts.bootId()).isEqualTo(guest.run("cat /proc/sys/kernel/random/boot_id"));
          assertThat(Long.toString(facts.tainted()))
              .isEqualTo(guest.run("cat /proc/sys/kernel/tainted"));
          assertThat(facts.tracer()).isEqualTo("nop");
          assertThat(facts.tracedFunctions()).isZero();

          String function = functionItSleepsIn(sleeper);
          AgentAnswer.Quiescence seen =
              link.ask(new AgentRequest.Quiescence(List.of(function)), LONG);
          assertThat(seen.unreadable()).isZero();
          assertThat(seen.tasks()).isCloseTo(kernel.tasks().all().size(), within(8));
          AgentAnswer.Inside inside =
              seen.inside().stream().filter(t -> t.pid() == sleeper).findFirst().orElseThrow();
          assertThat(inside.comm()).isEqualTo("sleep");
          assertThat(inside.function()).isEqualTo(function);
          assertThat(inside.stack()).anyMatch(frame -> frame.startsWith(function + "+"));

          guest.run("echo '<2>WARNING: CPU: not of the kernel' >/dev/kmsg");
          assertThat(link.ask(new AgentRequest.KernelLog(), LONG).incidents())
              .noneMatch(incident -> incident.text().contains("not of the kernel"));
        });
    guest.markKernelLog(); // that line is ours
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
  void frozenGroupThawsByItselfAndWhenToldTo() throws Exception {
    guest.run(
        "mkdir -p /sys/fs/cgroup/frozen;"
            + " (while :; do echo x >>/tmp/ticks; sleep 0.1; done) >/dev/null 2>&1 &"
            + " echo $! >/sys/fs/cgroup/frozen/cgroup.procs; echo $! >/tmp/ticker");
    try {
      inside(
          (kernel, link) -> {
            assertThat(
                    link.ask(new AgentRequest.Freeze("frozen", Duration.ofSeconds(10)), LONG)
                        .passed())
                .isTrue();
            assertThat(state()).isEqualTo("1");
            assertThat(link.ask(new AgentRequest.Thaw("frozen"), LONG).passed()).isTrue();
            assertThat(state()).isEqualTo("0");
            assertThat(
                    link.ask(new AgentRequest.Freeze("frozen", Duration.ofMillis(300)), LONG)
                        .passed())
                .isTrue();
          });
      awaitThawed();
      String name = guest.name();
      assertThat(lucos("agent", name, "freeze", "frozen", "--for=10s").exit()).isZero();
      assertThat(state()).as("frozen by a command that has ended").isEqualTo("1");
      assertThat(lucos("agent", name, "thaw", "frozen").exit()).isZero();
      assertThat(state()).isEqualTo("0");
      CommandLine.Answer notFrozen = lucos("agent", name, "thaw", "no-such-group");
      assertThat(notFrozen.exit()).isEqualTo(ExitCode.WRONG_STATE.value());
      assertThat(notFrozen.json().at("/result/lines/0").asText())
          .isEqualTo("refused: error 3 of the guest's kernel");
      assertThat(
              lucos("agent", name, "freeze", "no-such-group").json().at("/result/lines/0").asText())
          .contains("error 2 of the guest's kernel");
      assertThat(lucos("agent", name, "freeze", "frozen", "--for=11s").exit())
          .isEqualTo(ExitCode.USAGE.value());
      assertThat(lucos("agent", name, "probe", "service", "a;b").exit())
          .isEqualTo(ExitCode.USAGE.value());
      assertThat(state()).isEqualTo("0");
      // the runner may be killed: the process that thaws outlives it
      inside(
          (kernel, link) ->
              link.ask(new AgentRequest.Freeze("frozen", Duration.ofSeconds(10)), LONG));
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
          for (int i = 0; i < CALLS; i++) {
            without.add(call(kernel, Nudge.NONE));
            with.add(call(kernel, nudge));
          }
        });
    System.out.printf(
        "guest call in an idle guest: %.1f ms, with a nudge %.1f ms (medians of %d), ratio %.1f;"
            + " carriers %s%n",
        median(without),
        median(with),
        CALLS,
        median(without) / median(with),
        with.stream().map(GuestCallResult::carrier).distinct().toList());
    assertThat(with).anyMatch(result -> result.carrier().startsWith("lucos-agent["));
    guest.assertNoKernelWarnings();
  }

  private static double median(List<GuestCallResult> results) {
    List<Double> sorted = results.stream().map(r -> r.duration().toNanos() / 1e6).sorted().toList();
    return sorted.get(sorted.size() / 2);
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

  /** Whatever is at the other end of the wire, patches go in and out, and the record tells. */
  @Test
  @Order(4)
  void patchesGoInAndOutWhateverTheAgentDoes() {
    guest.markKernelLog();
    goesInAndOut(
        "one that answers",
        seen -> said(seen, "answered") && seen.path("carried").asInt() > 0 && !differs(seen));

    guest.run("killall -STOP lucos-agent");
    goesInAndOut("one that is stopped", seen -> said(seen, "silent"));

    port.end();
    goesInAndOut("none", seen -> said(seen, "absent"));

    port.start("sh -c \"cat /dev/urandom >\\$port\"");
    goesInAndOut("one that babbles", seen -> said(seen, "nonsense"));
    port.end();

    port.start("sh -c \"yes '{\\\"id\\\":1,\\\"ok\\\":{}}' >\\$port\"");
    goesInAndOut("one that floods", seen -> said(seen, "nonsense"));
    port.end();
    guest.assertNoKernelWarnings();
  }

  @Test
  @Order(5)
  void patchesGoInAndOutWhileTheAgentDies() {
    guest.markKernelLog();
    for (String moment : List.of("0.4", "0.9", "1.6")) {
      guest.run("(sleep " + moment + "; killall -9 lucos-agent) >/dev/null 2>&1 &");
      applied();
      reverted();
      port.end();
      port.startAgent();
    }
    port.end();
    port.lie("last=1 pid=1 found=0");
    goesInAndOut(
        "one that ends after its first words",
        seen -> said(seen, "silent") && seen.path("version").asText().equals("liar"));
    guest.assertNoKernelWarnings();
  }

  /** What it says of who is inside of functions is recorded beside what is true, and no more. */
  @Test
  @Order(6)
  void liesAboutQuiescenceAreRecordedAndChangeNothing() {
    guest.markKernelLog();
    Operator operator = new Operator(guest);
    Mechanism busy = Mechanism.NANOSLEEP;
    guest.run("sleep 100000 >/dev/null 2>&1 & echo $! >/tmp/sleeper");
    port.end();
    port.lie("last= pid=1 found=0");
    int tries = 0;
    do {
      BusyRefusal.FunctionInUse refusal =
          Operator.refusal(
              BusyRefusal.FunctionInUse.class,
              () -> operator.apply(operator.bundle(busy.recipe()), Operator.HASTE));
      assertThat(refusal.function()).isEqualTo(busy.function());
      busy.assertNotSeen(guest);
      operator.assertSound(0);
    } while (!claims(0) && tries++ < TRIES);
    assertThat(claims(0)).as("recorded that it lied: %s", port.recorded()).isTrue();
    port.end();

    port.lie("last= pid=2 found=7");
    goesInAndOut("one that says somebody is inside", seen -> differs(seen) && claims(7));
    port.end();

    port.startAgent();
    tries = 0;
    do {
      Operator.refusal(
          BusyRefusal.FunctionInUse.class,
          () -> operator.apply(operator.bundle(busy.recipe()), Operator.HASTE));
    } while (!said(port.recorded(), "answered") && tries++ < TRIES);
    assertThat(port.recorded().path("inside").asInt())
        .as("the sleeper: %s", port.recorded())
        .isPositive();
    assertThat(differs(port.recorded())).isFalse();
    guest.run("kill $(cat /tmp/sleeper)");

    applied();
    new RevertPatch(Bundles.settings())
        .run(
            new RevertPatch.Request(
                guest.name(),
                List.of(PATCH.recipe()),
                new SwitchLimits(Operator.PATIENCE, Operator.PATIENCE).withoutAgent()),
            Progress.SILENT);
    PATCH.assertNotSeen(guest);
    assertThat(said(port.recorded(), "not-asked")).as("%s", port.recorded()).isTrue();
    guest.assertNoKernelWarnings();
  }

  /**
   * Applies and reverts, each time soundly; again until the record says what it should, since a
   * busy host may have taken one that is only slow for one that is silent.
   */
  private static void goesInAndOut(String agent, Predicate<JsonNode> recorded) {
    List<JsonNode> records = new ArrayList<>();
    for (int i = 0; i < TRIES; i++) {
      applied();
      records.add(port.recorded());
      boolean told = recorded.test(port.recorded());
      reverted();
      records.add(port.recorded());
      if (told || recorded.test(port.recorded())) {
        System.out.printf("recorded of %s: %s%n", agent, records);
        return;
      }
    }
    throw new AssertionError("recorded of " + agent + ": " + records);
  }

  private static boolean said(JsonNode record, String state) {
    return record.path("state").asText().equals(state);
  }

  private static boolean differs(JsonNode record) {
    return record.path("differs").asBoolean();
  }

  private static boolean claims(int inside) {
    return differs(port.recorded()) && port.recorded().path("inside").asInt() == inside;
  }

  private static void applied() {
    Operator operator = new Operator(guest);
    operator.apply(PATCH.recipe());
    PATCH.assertSeen(guest);
    operator.assertSound(1);
  }

  private static void reverted() {
    Operator operator = new Operator(guest);
    operator.revert(PATCH.recipe());
    PATCH.assertNotSeen(guest);
    operator.assertSound(0);
  }

  @FunctionalInterface
  private interface Work {
    void with(RunningKernel kernel, AgentLink link);
  }

  private static void inside(Work work) {
    try (Hypervisor hypervisor = Hypervisor.open("qemu:///system");
        GuestDomain domain = hypervisor.attach(guest.name());
        AgentLink link = port.link(domain)) {
      link.ask(new AgentRequest.Ping(), LONG);
      work.with(RunningKernel.attach(domain, Bundles.settings().cache().resolve("running")), link);
    }
  }
}
