package org.lucos.tests.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * What tests need on a host that can build nothing. {@code LUCOS_KIT} names the folder there; where
 * it names none, everything is built when it is asked for.
 */
public final class Prepared {
  private static final List<String> PARTS = List.of("kernel", "initrd");

  private Prepared() {}

  private static Optional<Path> kit() {
    return Optional.ofNullable(System.getenv("LUCOS_KIT")).map(Path::of);
  }

  /** Whether this host is one that can build nothing. */
  public static boolean isAllThereIs() {
    return kit().isPresent();
  }

  /** Builds the guest's image and puts it into a kit. */
  public static void add(Path kit, GuestSpec spec) {
    Map<String, String> facts = new HashMap<>(TestDomain.build(spec));
    try {
      Path files = Files.createDirectories(kit.resolve("files"));
      for (String part : PARTS) {
        Path source = Path.of(facts.getOrDefault(part, ""));
        String name =
            part.equals("kernel")
                ? "vmlinuz-" + facts.get("release")
                : String.valueOf(source.getFileName());
        if (!Files.exists(files.resolve(name))) {
          Files.copy(source, files.resolve(name));
        }
        facts.put(part, name);
      }
      putLines(
          kit,
          key(spec),
          facts.entrySet().stream().map(fact -> fact.getKey() + "=" + fact.getValue()).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The kernel of a guest that a kit has. */
  public static String release(Path kit, GuestSpec spec) {
    return HostCommand.facts(String.join("\n", read(kit.resolve(key(spec)))))
        .getOrDefault("release", "");
  }

  /** Leaves lines for {@link #lines} in a kit. */
  public static void putLines(Path kit, String name, List<String> lines) {
    try {
      Files.createDirectories(kit);
      Files.write(kit.resolve(name), lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What {@link #putLines} left in the kit; empty where there is no kit. */
  public static Optional<List<String>> lines(String name) {
    return kit().map(folder -> read(folder.resolve(name)));
  }

  /** The facts of the guest's image; empty where it is to be built. */
  static Optional<Map<String, String>> image(GuestSpec spec) {
    if (kit().isEmpty()) {
      return Optional.empty();
    }
    Path folder = kit().get();
    Map<String, String> facts =
        new HashMap<>(
            HostCommand.facts(String.join("\n", read(folder.resolve(key(spec)), spec.toString()))));
    for (String part : PARTS) {
      facts.computeIfPresent(part, (key, name) -> folder.resolve("files").resolve(name).toString());
    }
    return Optional.of(facts);
  }

  private static List<String> read(Path file) {
    return read(file, file.toString());
  }

  private static List<String> read(Path file, String what) {
    try {
      if (!Files.exists(file)) {
        throw new GuestFailure("not in this host's kit (see HostKit): " + what);
      }
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What of a guest its image depends on. */
  private static String key(GuestSpec spec) {
    String text =
        spec.image()
            + " "
            + spec.kernel()
            + spec.modules()
            + spec.files().stream().map(GuestFile::inGuest).sorted().collect(Collectors.toList());
    return "guest-" + UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8));
  }
}
