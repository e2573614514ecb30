package org.lucos.tests.live;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.lucos.patcher.app.BuildPatch;
import org.lucos.patcher.app.MakeKey;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.build.ProbeFile;
import org.lucos.patcher.build.ProcessCommands;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.Repository;

/**
 * Bundles of this project's recipes. Each is built once and kept in the cache under a digest of the
 * recipe and of the code that builds.
 */
public final class Bundles {
  private static final List<String> BUILDING = List.of("build", "elf", "insn", "trust");

  private Bundles() {}

  /** Where tests keep locks and records, apart from those of the host. */
  public static Settings settings() {
    Path own = Repository.own("live");
    Settings host = Settings.from(System.getenv(), Optional.empty());
    return new Settings(
        Place.current().connection(),
        Repository.cache(),
        own.resolve("state"),
        own.resolve("locks"),
        Repository.root().resolve("kernel-patches"),
        keys(),
        host.clock());
  }

  /** The key that the tests' bundles are signed with, and trust. */
  static Path key() {
    return keys().resolve("tests.key");
  }

  /** A key of its own for this machine, made on first use. */
  private static Path keys() {
    Path keys = Repository.cache().resolve("test-keys");
    if (Files.isDirectory(keys)) {
      return keys;
    }
    try {
      Path fresh =
          Files.createTempDirectory(
              Files.createDirectories(Repository.cache()), ".test-keys"); // for its owner only
      new MakeKey().run(fresh.resolve("tests.key"));
      Files.move(fresh, keys, ATOMIC_MOVE);
      return keys;
    } catch (DirectoryNotEmptyException e) {
      return keys; // another run was faster
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The recipe built for a release. */
  public static Path of(String recipe, String release) {
    return of(recipe, release, recipe);
  }

  /** The recipe built for a release, as a patch of another name. */
  static Path of(String recipe, String release, String name) {
    return of(recipe, List.of(release), name);
  }

  /** The recipe built for several releases, as one patch with a variant for each. */
  static Path of(String recipe, List<String> releases, String name) {
    Path patches = settings().recipes();
    Path script = patches.resolve("mechanism").resolve(recipe + ".edit");
    Path source =
        Files.exists(script)
            ? script
            : patches.resolve("fixes").resolve(recipe).resolve("recipe.json");
    return of(new BuildPatch.Recipe(recipe), source, releases, name);
  }

  /** An edit script of {@code kernel-patches/examples} built for a release. */
  static Path ofExample(String name, String release) {
    Path script = settings().recipes().resolve("examples").resolve(name + ".edit");
    return of(new BuildPatch.EditFile(script), script, List.of(release), name);
  }

  private static Path of(
      BuildPatch.Source change, Path source, List<String> releases, String name) {
    Path folder = Repository.cache().resolve("test-bundles");
    String kernels = String.join("+", releases);
    Path bundle = folder.resolve(name + "-" + kernels + "-" + digest(source) + ".lucos");
    try {
      if (!Files.exists(bundle)) {
        Files.createDirectories(folder);
        Path fresh = Files.createTempFile(folder, name, ".new");
        new BuildPatch(settings())
            .run(
                new BuildPatch.Request(
                    change,
                    BuildPatch.Kernels.of(releases.toArray(String[]::new)),
                    Optional.of(fresh),
                    Optional.of(name),
                    "",
                    List.of(),
                    Optional.of(key()),
                    false,
                    BuildPatch.Request.DEFAULT_MAX_OBJECTS,
                    Optional.of(Set.of())), // nothing here waits for modules
                Progress.SILENT);
        Files.move(fresh, bundle, ATOMIC_MOVE);
      }
      return bundle;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String digest(Path source) {
    try {
      MessageDigest sum = MessageDigest.getInstance("SHA-256");
      add(sum, source);
      add(sum, settings().recipes().resolve("include/lucos.h"));
      ProbeFile.ofEdit(source)
          .ifPresent(
              file ->
                  sum.update(
                      ProbeFile.read(file, new ProcessCommands()).toString().getBytes(UTF_8)));
      for (String observer : List.of("observe.c", "../observe.h")) {
        if (Files.exists(source.resolveSibling(observer))) {
          add(sum, source.resolveSibling(observer));
        }
      }
      Path classes =
          Path.of(BuildPatch.class.getProtectionDomain().getCodeSource().getLocation().getPath());
      if (Files.isRegularFile(classes)) {
        add(sum, classes);
      }
      for (String room : BUILDING) {
        Path top = classes.resolve("org/lucos/patcher").resolve(room);
        if (Files.isDirectory(top)) {
          try (Stream<Path> files = Files.walk(top)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
              add(sum, file);
            }
          }
        }
      }
      return HexFormat.of().formatHex(sum.digest(), 0, 8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void add(MessageDigest sum, Path file) throws IOException {
    sum.update(Files.readAllBytes(file));
  }
}
