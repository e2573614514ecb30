package org.lucos.patcher.app;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lucos.bridge.domain.Capability;
import org.lucos.bridge.domain.DomainFacts;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.host.GuestHosts;
import org.lucos.bridge.host.Privilege;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.refusal.RefusedException;

/** Checks what a host, and a guest on it, need for patching, and says what is missing. */
public final class CheckHost {
  private static final Duration AGENT_LIMIT = Duration.ofSeconds(2);
  private static final long ROOM_FOR_A_TREE = 8L << 30;
  private static final List<String> BUILD_TOOLS =
      List.of("gcc", "make", "flex", "bison", "bc", "xz", "patch", "dpkg-deb", "apt-get");

  private final Settings settings;

  /** Works with these settings. */
  public CheckHost(Settings settings) {
    this.settings = settings;
  }

  /** How a check came out. */
  public enum Verdict {
    OK,
    /** Works, but something is to be known. */
    WARNING,
    MISSING
  }

  /** One check, and what to do where it failed. */
  public record Check(String name, Verdict verdict, String detail, String remedy) {}

  /** All checks; ready if none is missing. */
  public record Outcome(boolean ready, List<Check> checks) {
    /** Copies the list. */
    public Outcome {
      checks = List.copyOf(checks);
    }
  }

  /** Runs all checks; changes nothing but creates the directories that are to be written. */
  public Outcome run(Optional<String> guest) {
    List<Check> checks = new ArrayList<>();
    checks.add(java());
    checks.add(connection());
    checks.add(privileges());
    checks.add(directory("cache", settings.cache(), ROOM_FOR_A_TREE));
    checks.add(directory("state", settings.state(), 1 << 20));
    checks.add(directory("locks", settings.locks(), 0));
    checks.add(tools());
    guest.ifPresent(name -> checks.addAll(guest(name)));
    boolean ready = checks.stream().noneMatch(c -> c.verdict() == Verdict.MISSING);
    return new Outcome(ready, checks);
  }

  private static Check java() {
    int feature = Runtime.version().feature();
    return feature >= 17
        ? ok("java", Runtime.version().toString())
        : missing("java", "version " + feature, "install openjdk-17-jre-headless");
  }

  private Check connection() {
    try (GuestHost hypervisor = settings.connect()) {
      int running = hypervisor.running().size();
      return ok("connection", settings.connection() + ", " + running + " running domains");
    } catch (DomainRefusedException e) {
      return missing("connection", e.refusal().message(), GuestHosts.needs(settings.connection()));
    }
  }

  private Check privileges() {
    try {
      List<Privilege> absent = GuestHosts.missingPrivileges(settings.connection());
      if (absent.isEmpty()) {
        return ok("privileges", "all that are needed");
      }
      String names = absent.stream().map(Privilege::name).collect(Collectors.joining(" "));
      return missing(
          "privileges",
          absent.stream()
              .map(privilege -> "no " + privilege.name() + " to " + privilege.use())
              .collect(Collectors.joining(", ")),
          "run as root, or give them to the process: in a systemd unit AmbientCapabilities="
              + names
              + " (and CapabilityBoundingSet=, if it is set); in a container --cap-add");
    } catch (IOException e) {
      return missing("privileges", String.valueOf(e.getMessage()), "mount /proc");
    }
  }

  private static Check directory(String name, Path path, long room) {
    try {
      Files.createDirectories(path);
      if (!Files.isWritable(path)) {
        return missing(name, path + " is not writable", "run as root, or set LUCOS_" + upper(name));
      }
      FileStore store = Files.getFileStore(path);
      long free = store.getUsableSpace();
      String detail = path + ", " + (free >> 20) + " MiB free";
      return free >= room
          ? ok(name, detail)
          : new Check(
              name,
              Verdict.WARNING,
              detail,
              "a kernel tree takes about " + (room >> 30) + " GiB; building may run out of room");
    } catch (IOException e) {
      return missing(
          name, path + ": " + e.getMessage(), "run as root, or set LUCOS_" + upper(name));
    }
  }

  private static Check tools() {
    List<String> absent = BUILD_TOOLS.stream().filter(tool -> !onPath(tool)).toList();
    return absent.isEmpty()
        ? ok("build tools", String.join(" ", BUILD_TOOLS))
        : new Check(
            "build tools",
            Verdict.WARNING,
            "not found: " + String.join(" ", absent),
            "needed by 'lucos build' only; ./check and ./demo install them");
  }

  /** What it can do of what not every hypervisor can, and what it cannot. */
  private static String abilities(DomainFacts facts) {
    return Stream.of(Capability.values())
        .map(capability -> (facts.can(capability) ? "" : "no ") + capability.code())
        .collect(Collectors.joining(", "));
  }

  private List<Check> guest(String name) {
    List<Check> checks = new ArrayList<>();
    try (GuestSession session = GuestSession.reading(settings, name)) {
      DomainFacts facts = session.domain().facts();
      checks.add(
          ok(
              "guest",
              session.domain().identity().name()
                  + " is "
                  + session.domain().state().name().toLowerCase(java.util.Locale.ROOT)
                  + ": "
                  + facts.hypervisor()
                  + ", "
                  + facts.accelerator()
                  + ", "
                  + facts.vcpus()
                  + " vCPUs, "
                  + (facts.memoryBytes() >> 20)
                  + " MiB"));
      checks.add(ok("hypervisor", abilities(facts)));
      checks.add(ok("guest kernel", session.kernel().identity().release()));
      checks.add(
          session
              .kernel()
              .loaderPolicy()
              .objection()
              .map(
                  policy ->
                      missing(
                          "guest policy",
                          policy,
                          "boot the guest without lockdown, Secure Boot or module.sig_enforce"))
              .orElseGet(() -> ok("guest policy", "takes unsigned modules")));
      List<String> limits = new StackChecker(session.kernel()).limits();
      checks.add(
          limits.isEmpty()
              ? ok("stack checks", "every task can be seen")
              : new Check(
                  "stack checks",
                  Verdict.WARNING,
                  String.join("; ", limits),
                  "patch while such tasks are idle"));
      checks.add(
          GuestCalls.isLeftOpen(session.kernel())
              ? new Check(
                  "guest calls",
                  Verdict.WARNING,
                  "one is under way, or a controller died during one",
                  "the next apply or revert clears it away")
              : ok("guest calls", "none under way"));
      checks.add(agent(session.domain()));
    } catch (DomainRefusedException | RefusedException e) {
      Failures.refusal(e).ifPresent(r -> checks.add(missing("guest", r.message(), r.remedy())));
    }
    return checks;
  }

  private static Check agent(GuestDomain domain) {
    try (AgentLink link = AgentLink.open(domain, AGENT_LIMIT)) {
      return ok("guest agent", "version " + link.hello().agent() + " answers");
    } catch (AgentException e) {
      return ok("guest agent", "none, and none is needed: " + e.getMessage());
    }
  }

  private static boolean onPath(String tool) {
    String path = System.getenv().getOrDefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    return Arrays.stream(path.split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, tool)));
  }

  private static String upper(String name) {
    return name.toUpperCase(java.util.Locale.ROOT);
  }

  private static Check ok(String name, String detail) {
    return new Check(name, Verdict.OK, detail, "");
  }

  private static Check missing(String name, String detail, String remedy) {
    return new Check(name, Verdict.MISSING, detail, remedy);
  }
}
