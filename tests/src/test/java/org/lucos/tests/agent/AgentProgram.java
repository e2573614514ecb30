package org.lucos.tests.agent;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.lucos.tests.guest.GuestFile;
import org.lucos.tests.guest.HostCommand;
import org.lucos.tests.guest.Prepared;
import org.lucos.tests.guest.Repository;

/** The agent as {@code guest-agent/build.sh} makes it. */
public final class AgentProgram {
  private static final Duration BUILD_LIMIT = Duration.ofMinutes(10);

  /** Where guests have it. */
  public static final String IN_GUEST = "/usr/sbin/lucos-agent";

  private AgentProgram() {}

  /** Where its sources are. */
  static Path folder() {
    return Repository.root().resolve("guest-agent");
  }

  /** The program. */
  public static Path built() {
    return built("agent=");
  }

  /** As a file of a guest; where nothing can be built the guest has it already. */
  public static GuestFile inGuest() {
    return new GuestFile(Prepared.isAllThereIs() ? Path.of(IN_GUEST) : built(), IN_GUEST);
  }

  /** The package. */
  public static Path debianPackage() {
    return built("package=");
  }

  private static Path built(String key) {
    String facts = HostCommand.run(BUILD_LIMIT, List.of(folder().resolve("build.sh").toString()));
    return facts
        .lines()
        .filter(line -> line.startsWith(key))
        .map(line -> Path.of(line.substring(key.length())))
        .findFirst()
        .orElseThrow();
  }
}
