package org.lucos.tests.hosts;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.lucos.tests.agent.AgentProgram;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.Prepared;
import org.lucos.tests.guest.Repository;
import org.lucos.tests.live.Bundles;
import org.lucos.tests.live.Mechanism;
import org.lucos.tests.live.RealFix;

/**
 * Makes a kit ({@code LUCOS_KIT}): guests and bundles of all tests that are marked with {@link
 * org.lucos.tests.guest.Contract}. Its folder {@code cache} is to be the host's {@code
 * LUCOS_CACHE}.
 */
final class HostKit {
  private static final List<String> SERIES = List.of("6.1", "6.12");

  private HostKit() {}

  /**
   * Makes the kit.
   *
   * @param arguments the kit's folder, which need not exist
   */
  public static void main(String[] arguments) {
    fill(Path.of(arguments[0]));
  }

  private static void fill(Path kit) {
    boolean all = "all".equals(System.getProperty("lucos.fixes"));
    Prepared.add(kit, GuestSpec.cloud("6.1").withAgent(AgentProgram.inGuest()));
    for (String series : SERIES) {
      GuestSpec newest = GuestSpec.cloud(series);
      Prepared.add(kit, newest);
      add(kit, Bundles.of(Mechanism.CMDLINE.recipe(), Prepared.release(kit, newest)));
      RealFix.Shelf shelf = all ? RealFix.all(series) : RealFix.sample(series);
      shelf.putInto(kit, series);
      Prepared.add(kit, shelf.guest());
      shelf.fixes().forEach(fix -> add(kit, Bundles.of(fix.name(), shelf.release())));
    }
    copyKeys(kit);
  }

  private static void add(Path kit, Path bundle) {
    copy(bundle, kit.resolve("cache/test-bundles"));
  }

  /** Bundles are signed with them, and the tests trust nobody else. */
  private static void copyKeys(Path kit) {
    try (Stream<Path> keys = Files.list(Repository.cache().resolve("test-keys"))) {
      keys.forEach(key -> copy(key, kit.resolve("cache/test-keys")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void copy(Path file, Path folder) {
    try {
      Path target = Files.createDirectories(folder).resolve(file.getFileName());
      if (!Files.exists(target)) {
        Files.copy(file, target);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
