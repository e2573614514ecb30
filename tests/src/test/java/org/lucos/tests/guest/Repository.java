package org.lucos.tests.guest;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the parts of this source tree and the cache lie. */
public final class Repository {
  private Repository() {}

  /** The top folder: the nearest one above the working folder that holds the recipes of guests. */
  public static Path root() {
    for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
      if (Files.isExecutable(folder.resolve("vm-images/boot.sh"))) {
        return folder;
      }
    }
    throw new GuestFailure("no vm-images/boot.sh above " + Path.of("").toAbsolutePath());
  }

  /** Where downloads and built things are kept between runs. */
  public static Path cache() {
    return Path.of(System.getenv().getOrDefault("LUCOS_CACHE", "/var/cache/lucos"));
  }

  /**
   * A folder of this JVM's own: the tests run in several at a time, and what is here (locks, an
   * audit log) is looked at by tests as if nobody else wrote to it.
   */
  public static Path own(String name) {
    return root().resolve("tests/target").resolve(name).resolve(fork());
  }

  /** Which of the JVMs this is; a JVM that a test starts is told with {@code -Dlucos.fork}. */
  public static String fork() {
    return System.getProperty("lucos.fork", "1");
  }

  /** Where logs of guests are left for people. */
  public static Path logs() {
    return root().resolve("tests/target/guests");
  }
}
