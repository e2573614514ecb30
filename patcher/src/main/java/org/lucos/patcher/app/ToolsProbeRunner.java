package org.lucos.patcher.app;

import com.google.common.util.concurrent.Uninterruptibles;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestTools;
import org.lucos.patcher.agent.AgentAnswer;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentException.Kind;
import org.lucos.patcher.build.PatchProbe;

/**
 * Runs probes through the hypervisor's own agent, which can only start programs: the guest's {@code
 * timeout} ends those that take too long, and its shells look at ports and files.
 */
final class ToolsProbeRunner implements ProbeRunner {
  private static final Duration BETWEEN = Duration.ofMillis(50);
  private static final int KILL = 9;

  private final GuestTools tools;

  ToolsProbeRunner(GuestTools tools) {
    this.tools = tools;
  }

  @Override
  public String name() {
    return tools.name();
  }

  @Override
  public AgentAnswer.Job run(ProbeReport.Planned planned, Duration beyond) {
    PatchProbe probe = planned.probe();
    if (planned.program().isPresent()) {
      throw new AgentException(
          Kind.UNWILLING, "it needs the agent of lucos: this one takes no programs of the host's");
    }
    long start = System.nanoTime();
    long program = start(probe);
    long deadline = start + Duration.ofMillis(probe.limitMilliseconds()).plus(beyond).toNanos();
    while (System.nanoTime() < deadline) {
      Optional<GuestTools.Ended> ended = ended(program);
      if (ended.isPresent()) {
        int took = (int) Duration.ofNanos(System.nanoTime() - start).toMillis();
        return job(probe, ended.get(), took);
      }
      Uninterruptibles.sleepUninterruptibly(BETWEEN);
    }
    throw new AgentException(Kind.SILENT, "the probe does not end within its limit");
  }

  @Override
  public void ping() {
    try {
      tools.ping();
    } catch (DomainRefusedException e) {
      throw new AgentException(Kind.ABSENT, String.valueOf(e.getMessage()));
    }
  }

  private long start(PatchProbe probe) {
    try {
      return tools.start(words(probe));
    } catch (DomainRefusedException e) {
      ping(); // is it lost, or unwilling
      throw new AgentException(Kind.UNWILLING, String.valueOf(e.getMessage()));
    }
  }

  private Optional<GuestTools.Ended> ended(long program) {
    try {
      return tools.ended(program);
    } catch (DomainRefusedException e) {
      throw new AgentException(Kind.ABSENT, String.valueOf(e.getMessage()));
    }
  }

  static List<String> words(PatchProbe probe) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "/usr/bin/timeout",
                "-s",
                "KILL",
                String.format(Locale.ROOT, "%.3f", probe.limitMilliseconds() / 1e3)));
    switch (probe.check()) {
      case TCP ->
          words.addAll(
              List.of(
                  "/bin/bash",
                  "-c",
                  "exec 3<>\"/dev/tcp/$1/$2\"",
                  "lucos-probe",
                  probe.words().get(0),
                  probe.words().get(1)));
      case FILE ->
          words.addAll(
              List.of(
                  "/bin/sh",
                  "-c",
                  "exec head -c 1 <\"$1\" >/dev/null",
                  "lucos-probe",
                  probe.words().get(0)));
      case SERVICE, COMMAND, SCRIPT, PROGRAM -> words.addAll(ProbeJudge.program(probe));
    }
    return words;
  }

  /** {@code timeout} kills the whole group, and is of it: whether it lives to tell is chance. */
  private static AgentAnswer.Job job(PatchProbe probe, GuestTools.Ended ended, int took) {
    int signal = ended.signal().orElse(0);
    int code = ended.exitCode().orElse(-1);
    boolean killed = signal == KILL || code == 128 + KILL;
    if (killed && took >= probe.limitMilliseconds()) {
      return new AgentAnswer.Job(false, "timed-out", 0, took, ended.output());
    }
    return signal != 0
        ? new AgentAnswer.Job(false, "signalled", signal, took, ended.output())
        : new AgentAnswer.Job(code == 0, "exited", code, took, ended.output());
  }
}
