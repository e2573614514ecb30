package org.lucos.patcher.app;

import java.time.Duration;
import java.util.List;
import org.lucos.patcher.agent.AgentAnswer;
import org.lucos.patcher.agent.AgentRequest;
import org.lucos.patcher.app.ProbeReport.Verdict;
import org.lucos.patcher.build.PatchProbe;

/** What a probe asks of the agent, and what to make of the answer. */
final class ProbeJudge {
  /** Below this a probe is not slow, whatever it took before: clocks and schedulers differ. */
  static final int NEVER_SLOW = 50;

  private static final int LONGEST_OUTPUT = 1000;

  private ProbeJudge() {}

  static AgentRequest.Probe request(PatchProbe probe) {
    List<String> words = probe.words();
    AgentRequest.Target target =
        switch (probe.check()) {
          case TCP -> new AgentRequest.TcpPort(words.get(0), Integer.parseInt(words.get(1)));
          case FILE -> new AgentRequest.ReadableFile(words.get(0));
          case SERVICE, COMMAND, SCRIPT -> new AgentRequest.Command(program(probe));
          case PROGRAM -> new AgentRequest.Brought(words);
        };
    return new AgentRequest.Probe(target, Duration.ofMillis(probe.limitMilliseconds()));
  }

  /** What is run for a probe that is a program. */
  static List<String> program(PatchProbe probe) {
    List<String> words = probe.words();
    return switch (probe.check()) {
      case SERVICE -> isActive(words.get(0));
      // no file is made of it, so none stays behind
      case SCRIPT -> List.of("/bin/sh", "-c", words.get(0), "lucos-probe");
      case COMMAND -> words;
      case TCP, FILE, PROGRAM -> throw new IllegalArgumentException("no program: " + probe.check());
    };
  }

  /** What ends with 0 if a service is active, and says what it is otherwise. */
  static List<String> isActive(String unit) {
    return List.of("/bin/systemctl", "is-active", "--", unit);
  }

  /**
   * Judges an answer.
   *
   * @param baseline how long it took before the patch, in milliseconds; -1 if that is not known
   */
  static Verdict judge(PatchProbe probe, AgentAnswer.Job job, int baseline) {
    if (cannotTell(probe, job)) {
      return Verdict.notRun("it cannot tell" + said(job));
    }
    String why = problem(probe, job);
    if (why.isEmpty() && isSlow(probe, job.milliseconds(), baseline)) {
      why =
          "it took "
              + job.milliseconds()
              + " ms, before the patch at most "
              + baseline
              + " ms, and may take "
              + probe.slowdown()
              + " times as long";
    }
    boolean ran = !job.outcome().equals("refused");
    return new Verdict(
        ran ? (why.isEmpty() ? "passed" : "failed") : "not-run",
        job.outcome(),
        job.code(),
        job.milliseconds(),
        baseline,
        why,
        job.output().length() > LONGEST_OUTPUT
            ? job.output().substring(0, LONGEST_OUTPUT)
            : job.output());
  }

  private static boolean cannotTell(PatchProbe probe, AgentAnswer.Job job) {
    return probe.check() == PatchProbe.Check.PROGRAM
        && job.outcome().equals("exited")
        && job.code() == PatchProbe.CANNOT_TELL;
  }

  static boolean isSlow(PatchProbe probe, int milliseconds, int baseline) {
    return probe.slowdown() > 0
        && baseline >= 0
        && milliseconds > (long) probe.slowdown() * Math.max(baseline, NEVER_SLOW);
  }

  /** Goes by the outcome, not by whether the agent calls that passed. */
  private static String problem(PatchProbe probe, AgentAnswer.Job job) {
    return switch (job.outcome()) {
      case "passed" -> "";
      case "exited" -> {
        if (job.code() != probe.exitCode()) {
          yield "exit code " + job.code() + ", expected " + probe.exitCode() + said(job);
        }
        yield job.output().contains(probe.output())
            ? ""
            : "it does not print '" + probe.output() + "'" + said(job);
      }
      case "failed" -> "error " + job.code() + " of the guest's kernel";
      case "signalled" -> "ended by signal " + job.code() + said(job);
      case "timed-out" -> "no end within " + probe.limitMilliseconds() + " ms" + said(job);
      default -> "the agent could not begin it: error " + job.code();
    };
  }

  private static String said(AgentAnswer.Job job) {
    String first = job.output().lines().findFirst().orElse("").strip();
    return first.isEmpty()
        ? ""
        : ", it says '" + first.substring(0, Math.min(100, first.length())) + "'";
  }
}
