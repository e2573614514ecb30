package org.lucos.patcher.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestTools;
import org.lucos.patcher.agent.AgentAnswer;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentException.Kind;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.build.PatchProbe.Check;
import org.lucos.patcher.build.PatchProbe.When;
import org.lucos.patcher.bytes.Bytes;

class ToolsProbeRunnerTest {
  private final Tools tools = new Tools();
  private final ToolsProbeRunner runner = new ToolsProbeRunner(tools);

  /** Tools whose programs end as told, after a look at them. */
  private static final class Tools implements GuestTools {
    Optional<Ended> end = Optional.empty();
    boolean starts = true;
    boolean answers = true;
    int looks;

    @Override
    public String name() {
      return "tools";
    }

    @Override
    public long start(List<String> words) {
      if (!starts || !answers) {
        throw refused();
      }
      return 1;
    }

    @Override
    public Optional<Ended> ended(long program) {
      if (!answers) {
        throw refused();
      }
      return looks++ > 0 ? end : Optional.empty();
    }

    @Override
    public void ping() {
      if (!answers) {
        throw refused();
      }
    }

    private static DomainRefusedException refused() {
      return new DomainRefusedException(new DomainRefusal.HypervisorFailure("asking", "no"));
    }
  }

  private static PatchProbe probe(Check check, int limit, String... words) {
    return new PatchProbe("p", When.AFTER, check, List.of(words), limit, 0, "", 0, false, "");
  }

  private static PatchProbe script() {
    return probe(Check.SCRIPT, 60, "true");
  }

  private static Optional<GuestTools.Ended> exit(int code, String output) {
    return Optional.of(new GuestTools.Ended(OptionalInt.of(code), OptionalInt.empty(), output));
  }

  private AgentAnswer.Job run(PatchProbe probe, Duration beyond) {
    return runner.run(new ProbeReport.Planned("fix", probe), beyond);
  }

  @Test
  void takesNoProgramsOfTheHosts() {
    ProbeReport.Planned planned =
        new ProbeReport.Planned("fix", script(), Optional.of(Bytes.zeros(3)));
    assertThatThrownBy(() -> runner.run(planned, Duration.ZERO))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNWILLING));
  }

  @Test
  void wordsAreArgumentsAndNeverPartOfAScript() {
    assertThat(ToolsProbeRunner.words(probe(Check.TCP, 1500, "::1", "22")))
        .startsWith("/usr/bin/timeout", "-s", "KILL", "1.500")
        .endsWith("::1", "22");
    assertThat(ToolsProbeRunner.words(probe(Check.FILE, 9, "/a b;c"))).endsWith("/a b;c");
    assertThat(ToolsProbeRunner.words(probe(Check.SERVICE, 9, "ssh"))).endsWith("--", "ssh");
    assertThat(ToolsProbeRunner.words(probe(Check.COMMAND, 9, "/bin/a", "-b")))
        .endsWith("0.009", "/bin/a", "-b");
  }

  @Test
  void endsAreToldAsTheyAre() {
    tools.end = exit(0, "well");
    assertThat(run(script(), Duration.ofSeconds(9)).passed()).isTrue();
    tools.end = exit(4, "ill");
    assertThat(run(script(), Duration.ofSeconds(9)))
        .satisfies(
            job -> {
              assertThat(job.passed()).isFalse();
              assertThat(job.outcome()).isEqualTo("exited");
              assertThat(job.code()).isEqualTo(4);
              assertThat(job.output()).isEqualTo("ill");
            });
    tools.end = Optional.of(new GuestTools.Ended(OptionalInt.empty(), OptionalInt.of(11), ""));
    assertThat(run(script(), Duration.ofSeconds(9)).outcome()).isEqualTo("signalled");
    tools.end = exit(137, "");
    assertThat(run(probe(Check.SCRIPT, 60_000, "true"), Duration.ZERO).outcome())
        .as("killed long before its limit")
        .isEqualTo("exited");
    PatchProbe late = probe(Check.SCRIPT, 1, "true");
    tools.looks = 0;
    assertThat(run(late, Duration.ofSeconds(9)).outcome()).isEqualTo("timed-out");
    tools.end = Optional.of(new GuestTools.Ended(OptionalInt.empty(), OptionalInt.of(9), ""));
    tools.looks = 0;
    assertThat(run(late, Duration.ofSeconds(9)).outcome()).isEqualTo("timed-out");
  }

  @Test
  void whoDoesNotAnswerIsLostWhoWillNotIsUnwillingAndWhatDoesNotEndIsSilent() {
    assertKind(Kind.SILENT);
    tools.starts = false;
    assertKind(Kind.UNWILLING);
    tools.answers = false;
    assertKind(Kind.ABSENT);
    assertThatThrownBy(() -> runner.ping()).isInstanceOf(AgentException.class);
  }

  private void assertKind(Kind kind) {
    assertThatThrownBy(() -> run(script(), Duration.ofMillis(100)))
        .isInstanceOfSatisfying(AgentException.class, e -> assertThat(e.kind()).isEqualTo(kind));
  }
}
