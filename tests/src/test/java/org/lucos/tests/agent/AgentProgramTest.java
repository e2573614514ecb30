package org.lucos.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.agent.AgentAnswer;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.agent.AgentRequest;
import org.lucos.patcher.agent.AgentRequest.Probe;
import org.lucos.patcher.build.ProbeProgram;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.tests.guest.HostCommand;

/** The agent's program, run on this host. */
class AgentProgramTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  @TempDir Path folder;

  @Test
  void programPassesItsOwnTests() {
    String report =
        HostCommand.run(
            Duration.ofMinutes(5),
            List.of(
                AgentProgram.folder().resolve("test/run.sh").toString(),
                AgentProgram.built().toString()));
    System.out.print(report);
    assertThat(report).contains("memory of the agent").contains("passed");
  }

  /** {@code -Dlucos.fuzz.minutes=10} for long. */
  @Test
  void programsParsersTakeAnyBytes() {
    AgentProgram.built();
    long minutes = Long.getLong("lucos.fuzz.minutes", 0);
    String report =
        HostCommand.run(
            Duration.ofMinutes(5 + minutes),
            List.of(
                "make",
                "-s",
                "-C",
                AgentProgram.folder().toString(),
                "fuzz",
                "SECONDS_OF_FUZZING=" + Math.max(5, 60 * minutes)));
    System.out.print(report);
    assertThat(report).contains("nothing found");
  }

  @Test
  void packageIsReproducibleAndHasWhatItTakes() throws IOException {
    Path made = AgentProgram.debianPackage();
    byte[] first = Files.readAllBytes(made);
    Files.delete(made);
    assertThat(Files.readAllBytes(AgentProgram.debianPackage())).isEqualTo(first);
    assertThat(HostCommand.run(LONG, List.of("dpkg-deb", "--contents", made.toString())))
        .contains("/usr/sbin/lucos-agent", "/lib/systemd/system/lucos-agent.service");
    assertThat(HostCommand.run(LONG, List.of("dpkg-deb", "--field", made.toString())))
        .contains("Package: lucos-agent")
        .doesNotContain("Depends:");
  }

  @Test
  void bothSidesUnderstandEachOther() throws IOException, InterruptedException {
    Process sleeper = new ProcessBuilder("sleep", "1000").start();
    ProcessChannel channel = new ProcessChannel(AgentProgram.built());
    try (AgentLink link = AgentLink.open(channel, LONG);
        ServerSocket port = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      AgentAnswer.Facts facts = link.ask(new AgentRequest.Facts(), LONG);
      assertThat(facts.bootId()).isEqualTo(read("/proc/sys/kernel/random/boot_id"));
      assertThat(facts.release()).isEqualTo(read("/proc/sys/kernel/osrelease"));
      assertThat(Long.toString(facts.tainted())).isEqualTo(read("/proc/sys/kernel/tainted"));
      assertThat(link.ask(new AgentRequest.Quiescence(List.of("hrtimer_nanosleep")), LONG).tasks())
          .isPositive();
      link.nudge();
      assertThat(link.ask(new AgentRequest.KernelLog(), LONG).lost()).isGreaterThanOrEqualTo(0);

      String address = port.getInetAddress().getHostAddress();
      assertThat(probe(link, new AgentRequest.TcpPort(address, port.getLocalPort())).passed())
          .isTrue();
      assertThat(probe(link, new AgentRequest.ReadableFile("/etc/passwd")).passed()).isTrue();
      assertThat(probe(link, new AgentRequest.ReadableFile(folder.resolve("no").toString())).code())
          .isEqualTo(2);
      assertThat(probe(link, new AgentRequest.Command(List.of("/bin/echo", "a b", "\""))).output())
          .isEqualTo("a b \"\n");
      assertThat(
              link.ask(
                  new Probe(
                      new AgentRequest.Command(List.of("/bin/sh", "-c", "echo x; sleep 1000")),
                      Duration.ofMillis(500)),
                  LONG))
          .returns("timed-out", AgentAnswer.Job::outcome)
          .returns("x\n", AgentAnswer.Job::output);
      // no more of its output than the protocol has room for, and it is not held up by that
      assertThat(probe(link, new AgentRequest.Command(List.of("/usr/bin/seq", "1", "90000"))))
          .returns(0, AgentAnswer.Job::code)
          .satisfies(job -> assertThat(job.output()).hasSize(8192));
    } finally {
      sleeper.destroy();
    }
  }

  @Test
  void programOfTheHostsRunsOnceAndNothingOfItStays() throws IOException {
    Bytes program = ProbeProgram.read(AgentProgram.built());
    AgentRequest.Brought version = new AgentRequest.Brought(List.of("it", "--version"));
    ProcessChannel channel = new ProcessChannel(AgentProgram.built());
    try (AgentLink link = AgentLink.open(channel, LONG)) {
      assertThat(probe(link, version)).returns("refused", AgentAnswer.Job::outcome);
      for (int i = 0; i < 3; i++) {
        link.bring(program, LONG);
        assertThat(probe(link, version))
            .returns("exited", AgentAnswer.Job::outcome)
            .returns(0, AgentAnswer.Job::code)
            .satisfies(job -> assertThat(job.output()).startsWith("lucos-agent "));
        assertThat(memoryFiles(link)).isZero();
      }
      link.bring(program, LONG);
      assertThat(memoryFiles(link)).isOne();
      AgentRequest.ProgramPart wrong =
          new AgentRequest.ProgramPart(7, program.size(), program.slice(7, 20));
      assertThat(link.ask(wrong, LONG).passed()).isFalse();
      assertThat(memoryFiles(link)).as("what comes out of order ends it").isZero();
    }
  }

  /** Of the half that runs programs. */
  private static long memoryFiles(AgentLink link) throws IOException {
    String status = Files.readString(Path.of("/proc/" + link.hello().pid() + "/status"));
    String parent = field(status.lines().toList(), "PPid");
    try (var files = Files.list(Path.of("/proc/" + parent + "/fd"))) {
      long count = 0;
      for (Path file : files.toList()) {
        count += Files.readSymbolicLink(file).toString().contains("memfd") ? 1 : 0;
      }
      return count;
    }
  }

  /** Only what it said it would keep; no way back. */
  @Test
  void halfThatListensToTheHostIsConfined() throws IOException {
    ProcessChannel channel = new ProcessChannel(AgentProgram.built());
    try (AgentLink link = AgentLink.open(channel, LONG)) {
      List<String> status = Files.readAllLines(Path.of("/proc/" + link.hello().pid() + "/status"));
      assertThat(status).contains("NoNewPrivs:\t1", "Seccomp:\t2");
      long kept = Long.parseLong(field(status, "CapEff"), 16);
      assertThat(kept & ~Long.parseLong("290004", 16))
          .as("SYS_ADMIN, SYS_PTRACE, SYS_MODULE, DAC_READ_SEARCH at most")
          .isZero();
      assertThat(Long.parseLong(field(status, "CapPrm"), 16)).isEqualTo(kept);
      Set<String> open = new TreeSet<>();
      try (var files = Files.list(Path.of("/proc/" + link.hello().pid() + "/fd"))) {
        for (Path file : files.toList()) {
          open.add(Files.readSymbolicLink(file).toString().replaceAll(":?\\[.*", ""));
        }
      }
      assertThat(open).isSubsetOf("/", "/dev/kmsg", "pipe", "socket", "anon_inode");
    }
  }

  private static AgentAnswer.Job probe(AgentLink link, AgentRequest.Target target) {
    return link.ask(new Probe(target, Duration.ofSeconds(30)), LONG);
  }

  private static String field(List<String> status, String name) {
    return status.stream()
        .filter(line -> line.startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst()
        .orElseThrow();
  }

  private static String read(String file) throws IOException {
    return Files.readString(Path.of(file), StandardCharsets.UTF_8).strip();
  }
}
