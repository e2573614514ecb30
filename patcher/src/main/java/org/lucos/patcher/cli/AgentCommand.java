package org.lucos.patcher.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.lucos.patcher.app.AskAgent;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lucos agent}. */
@Command(
    name = "agent",
    description = {
      "Asks the agent in a guest, if it has one: what it says is the guest's own view.",
      "  ping, nudge                      whether it is there, and how fast",
      "  facts                            boot, release, taint, livepatches, tracing, lockdown",
      "  log                              what its kernel complained of",
      "  quiescence FUNCTION...           which tasks are inside of functions; exit code 5 if any",
      "  probe tcp ADDRESS PORT           whether a port answers, seen from inside",
      "  probe file PATH                  whether a file can be read",
      "  probe service UNIT               whether a service is active, by the guest's systemd",
      "  probe command PATH [WORD...]     how a program ends; exit code 6 if a probe fails;",
      "                                   before words that begin with - write --",
      "  probe program FILE [WORD...]     how a static program of this host ends in the guest;",
      "                                   nothing of it stays there",
      "  freeze CGROUP                    stops all tasks of a control group, given by its path below",
      "                                   /sys/fs/cgroup, for the time of --for",
      "  thaw CGROUP                      lets them run before that; exit code 6 if it is not frozen"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class AgentCommand extends Subcommand<AskAgent.Outcome> {
  @Mixin private GuestArgument guest;

  @Parameters(
      index = "1",
      paramLabel = "WHAT",
      description = "ping, nudge, facts, log, quiescence, probe, freeze or thaw")
  private String what;

  @Parameters(index = "2..*", paramLabel = "WORD", description = "what belongs to it")
  private List<String> words = List.of();

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      defaultValue = "10s",
      converter = Options.DurationConverter.class,
      description = "how long the agent, or a probe, may take (default: ${DEFAULT-VALUE})")
  private Duration timeout;

  @Option(
      names = "--for",
      paramLabel = "TIME",
      defaultValue = "5s",
      converter = Options.DurationConverter.class,
      description = "when what is frozen thaws by itself, at most 10s (default: ${DEFAULT-VALUE})")
  private Duration longest;

  @Spec private CommandSpec spec;

  @Override
  AskAgent.Outcome run(Settings settings, Progress progress) {
    AskAgent agent = new AskAgent(settings);
    boolean alone = words.isEmpty();
    if (what.equals("ping") && alone) {
      return agent.ping(guest.name(), timeout);
    } else if (what.equals("nudge") && alone) {
      return agent.nudge(guest.name(), timeout);
    } else if (what.equals("facts") && alone) {
      return agent.facts(guest.name(), timeout);
    } else if (what.equals("log") && alone) {
      return agent.kernelLog(guest.name(), timeout);
    } else if (what.equals("quiescence") && !alone) {
      return agent.quiescence(guest.name(), words, timeout);
    } else if (what.equals("probe") && words.size() >= 2) {
      return probe(agent);
    } else if (what.equals("freeze") && words.size() == 1) {
      return agent.freeze(guest.name(), words.get(0), checkedLongest(), timeout);
    } else if (what.equals("thaw") && words.size() == 1) {
      return agent.thaw(guest.name(), words.get(0), timeout);
    }
    throw usage();
  }

  private Duration checkedLongest() {
    if (longest.isZero() || longest.compareTo(AskAgent.LONGEST_FREEZE) > 0) {
      throw new ParameterException(
          spec.commandLine(), "--for takes more than 0s and at most 10s, for safety");
    }
    return longest;
  }

  private AskAgent.Outcome probe(AskAgent agent) {
    String kind = words.get(0);
    if (kind.equals("tcp") && words.size() == 3 && words.get(2).matches("[0-9]{1,5}")) {
      return agent.tcp(guest.name(), words.get(1), Integer.parseInt(words.get(2)), timeout);
    } else if (kind.equals("file") && words.size() == 2) {
      return agent.file(guest.name(), words.get(1), timeout);
    } else if (kind.equals("service") && words.size() == 2 && AskAgent.isUnit(words.get(1))) {
      return agent.service(guest.name(), words.get(1), timeout);
    } else if (kind.equals("command")) {
      return agent.command(guest.name(), words.subList(1, words.size()), timeout);
    } else if (kind.equals("program")) {
      Path file = Path.of(words.get(1));
      List<String> named = new ArrayList<>(words.subList(1, words.size()));
      named.set(0, String.valueOf(file.getFileName()));
      return agent.program(guest.name(), file, named, timeout);
    }
    throw usage();
  }

  private ParameterException usage() {
    return new ParameterException(
        spec.commandLine(), "see --help for what the agent can be asked, not: " + what);
  }

  @Override
  ExitCode exitCode(AskAgent.Outcome outcome) {
    if (outcome.passed()) {
      return ExitCode.OK;
    }
    return what.equals("quiescence") ? ExitCode.BUSY : ExitCode.WRONG_STATE;
  }

  @Override
  void print(Console console, AskAgent.Outcome outcome) {
    console.line(
        "%s: agent %s answered in %.1f ms",
        outcome.guest(), outcome.agent(), outcome.milliseconds());
    outcome.lines().forEach(line -> console.line("  %s", line));
  }
}
