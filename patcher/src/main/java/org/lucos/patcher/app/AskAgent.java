package org.lucos.patcher.app;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.patcher.agent.AgentAnswer;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.agent.AgentRequest;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.build.ProbeProgram;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Asks the agent of a guest something. What it answers is evidence: the guest itself says so. */
public final class AskAgent {
  /** How long a control group may be frozen. */
  public static final Duration LONGEST_FREEZE = AgentRequest.Freeze.LONGEST;

  private final Settings settings;

  /** Works with these settings. */
  public AskAgent(Settings settings) {
    this.settings = settings;
  }

  /**
   * What was answered.
   *
   * @param agent its version
   * @param milliseconds from the question to the answer
   * @param passed whether a probe passed, and nobody was found inside of a function; true for what
   *     is only told
   * @param answer what it says
   * @param lines the same for people
   */
  public record Outcome(
      String guest,
      String agent,
      double milliseconds,
      boolean passed,
      Object answer,
      List<String> lines) {
    /** Copies the list. */
    public Outcome {
      lines = List.copyOf(lines);
    }
  }

  /** Whether it is there. */
  public Outcome ping(String guest, Duration limit) {
    return ask(guest, new AgentRequest.Ping(), limit);
  }

  /** What it says of its kernel. */
  public Outcome facts(String guest, Duration limit) {
    return ask(guest, new AgentRequest.Facts(), limit);
  }

  /** Which tasks it sees inside of functions. */
  public Outcome quiescence(String guest, List<String> functions, Duration limit) {
    return ask(guest, new AgentRequest.Quiescence(functions), limit);
  }

  /** Makes it leave a system call, and tells how long that took. */
  public Outcome nudge(String guest, Duration limit) {
    return ask(guest, new AgentRequest.Nudge(), limit);
  }

  /** What it has seen its kernel complain of. */
  public Outcome kernelLog(String guest, Duration limit) {
    return ask(guest, new AgentRequest.KernelLog(), limit);
  }

  /** Whether a TCP port answers, seen from inside. */
  public Outcome tcp(String guest, String address, int port, Duration limit) {
    return probe(guest, new AgentRequest.TcpPort(address, port), limit);
  }

  /** Whether a file can be read. */
  public Outcome file(String guest, String path, Duration limit) {
    return probe(guest, new AgentRequest.ReadableFile(path), limit);
  }

  /** Whether this may be the name of a unit of systemd. */
  public static boolean isUnit(String name) {
    return PatchProbe.isUnit(name);
  }

  /** Whether a service is active, by the guest's systemd. */
  public Outcome service(String guest, String unit, Duration limit) {
    return command(guest, ProbeJudge.isActive(unit), limit);
  }

  /** How a program of the guest ends. */
  public Outcome command(String guest, List<String> words, Duration limit) {
    return probe(guest, new AgentRequest.Command(words), limit);
  }

  /**
   * How a static program of this host ends in the guest, where nothing of it stays behind.
   *
   * @param words what it is called there, and its arguments
   * @throws RefusedException with {@link InputRefusal.NoProbe} if the file is no such program
   */
  public Outcome program(String guest, Path file, List<String> words, Duration limit) {
    Bytes program = ProbeProgram.read(file);
    AgentRequest<?> request = new AgentRequest.Probe(new AgentRequest.Brought(words), limit);
    return converse(
        guest,
        link -> {
          link.bring(program, limit);
          return link.ask(request, limit.plusSeconds(5));
        },
        limit.plusSeconds(5));
  }

  /**
   * Stops all tasks of a control group.
   *
   * @param cgroup its path below the root of the hierarchy
   * @param longest when it thaws by itself; at most {@link #LONGEST_FREEZE}
   */
  public Outcome freeze(String guest, String cgroup, Duration longest, Duration limit) {
    return ask(guest, new AgentRequest.Freeze(cgroup, longest), limit);
  }

  /** Lets the tasks of a control group run that was frozen by {@link #freeze}. */
  public Outcome thaw(String guest, String cgroup, Duration limit) {
    return ask(guest, new AgentRequest.Thaw(cgroup), limit);
  }

  private Outcome probe(String guest, AgentRequest.Target target, Duration limit) {
    return ask(guest, new AgentRequest.Probe(target, limit), limit.plusSeconds(5));
  }

  private Outcome ask(String guest, AgentRequest<?> request, Duration limit) {
    return converse(guest, link -> link.ask(request, limit), limit);
  }

  private Outcome converse(
      String guest, Function<AgentLink, AgentAnswer> conversation, Duration limit) {
    try (GuestHost host = settings.connect();
        GuestDomain domain = host.attach(guest)) {
      return converse(domain, conversation, limit);
    }
  }

  private static Outcome converse(
      GuestDomain domain, Function<AgentLink, AgentAnswer> conversation, Duration limit) {
    String guest = domain.identity().name();
    try (AgentLink link = AgentLink.open(domain, limit)) {
      long start = System.nanoTime();
      AgentAnswer answer = conversation.apply(link);
      Duration took = Duration.ofNanos(System.nanoTime() - start);
      return new Outcome(
          guest, link.hello().agent(), Report.millis(took), passed(answer), answer, lines(answer));
    } catch (AgentException e) {
      throw new RefusedException(
          e.kind() == AgentException.Kind.UNWILLING
              ? new GuestRefusal.AgentUnwilling(guest, String.valueOf(e.getMessage()))
              : new GuestRefusal.NoAgent(guest, String.valueOf(e.getMessage())));
    }
  }

  private static boolean passed(AgentAnswer answer) {
    if (answer instanceof AgentAnswer.Job job) {
      return job.passed();
    }
    return !(answer instanceof AgentAnswer.Quiescence seen) || seen.found() == 0;
  }

  private static List<String> lines(AgentAnswer answer) {
    List<String> lines = new ArrayList<>();
    if (answer instanceof AgentAnswer.Facts facts) {
      lines.add("boot       " + facts.bootId());
      lines.add("release    " + facts.release());
      lines.add("tainted    " + facts.tainted());
      lines.add("livepatch  " + orNone(String.join(", ", facts.livepatches())));
      lines.add(
          "tracing    "
              + orNone(facts.tracer())
              + ", "
              + orUnknown(facts.tracedFunctions())
              + " functions, "
              + orUnknown(facts.kprobes())
              + " kprobes");
      lines.add("lockdown   " + orNone(facts.lockdown()));
      lines.add("secureboot " + facts.secureBoot());
    } else if (answer instanceof AgentAnswer.Quiescence seen) {
      lines.add(
          seen.found()
              + " of "
              + seen.tasks()
              + " tasks inside ("
              + seen.unreadable()
              + " could not be read)");
      for (AgentAnswer.Inside task : seen.inside()) {
        lines.add(
            task.comm()
                + "["
                + task.tid()
                + "] "
                + task.state()
                + " in "
                + task.function()
                + ": "
                + String.join(" < ", task.stack()));
      }
    } else if (answer instanceof AgentAnswer.KernelLog log) {
      lines.add(log.incidents().isEmpty() ? "no complaints" : "complaints of the kernel:");
      for (AgentAnswer.Incident each : log.incidents()) {
        lines.add(
            String.format(
                "[%.6f] %s, %d times: %s",
                each.first() / 1e6, each.kind(), each.count(), each.text()));
      }
    } else if (answer instanceof AgentAnswer.Job job) {
      lines.add(
          switch (job.outcome()) {
            case "passed" -> "passed";
            case "failed", "refused" ->
                job.outcome() + ": error " + job.code() + " of the guest's kernel";
            default -> job.outcome() + ", code " + job.code();
          });
      job.output().lines().forEach(lines::add);
    }
    return lines;
  }

  private static String orNone(String text) {
    return text.isEmpty() ? "none" : text;
  }

  private static String orUnknown(int count) {
    return count < 0 ? "unknown" : Integer.toString(count);
  }
}
