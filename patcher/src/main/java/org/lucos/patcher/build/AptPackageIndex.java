package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * This host's apt, asked once for each package. Downloads go to {@code debs} in the cache and are
 * kept.
 */
public final class AptPackageIndex implements PackageIndex {
  private final HostCommands commands;
  private final Path cache;
  private final Map<String, List<String>> versions = new ConcurrentHashMap<>();

  /** Packages through {@code commands}, kept under {@code cache}. */
  public AptPackageIndex(HostCommands commands, Path cache) {
    this.commands = commands;
    this.cache = cache;
  }

  @Override
  public List<String> versions(String packageName) {
    return versions.computeIfAbsent(packageName, this::askFor);
  }

  private List<String> askFor(String packageName) {
    // "NAME | VERSION | SOURCE", one line for each source; apt sorts the newest version first.
    CommandOutcome outcome = commands.run(Command.of("apt-cache", "madison", packageName));
    List<String> found = new ArrayList<>();
    for (String line : outcome.output().lines().toList()) {
      List<String> columns = Stream.of(line.split("\\|", -1)).map(String::strip).toList();
      if (columns.size() == 3
          && columns.get(0).equals(packageName)
          && columns.get(2).endsWith(" Packages")
          && !found.contains(columns.get(1))) {
        found.add(columns.get(1));
      }
    }
    return List.copyOf(found);
  }

  @Override
  public List<String> namesBeginning(String prefix) {
    CommandOutcome outcome = commands.run(Command.of("apt-cache", "pkgnames", prefix));
    return outcome.output().lines().map(String::strip).filter(s -> !s.isEmpty()).sorted().toList();
  }

  @Override
  public boolean refresh(BuildListener listener) {
    listener.step("updating the package index");
    versions.clear();
    return commands.run(Command.of("apt-get", "-q", "update")).succeeded();
  }

  @Override
  public Path fetch(PackageVersion wanted, BuildListener listener) {
    Path debs = cache.resolve("debs");
    return CacheLock.holding(
        cache, "deb-" + wanted.name(), listener, () -> fetchInto(debs, wanted, listener));
  }

  private Path fetchInto(Path debs, PackageVersion wanted, BuildListener listener) {
    try {
      Files.createDirectories(debs);
      Optional<Path> present = find(debs, wanted);
      if (present.isPresent()) {
        return present.get();
      }
      // A directory of its own: a broken download never looks like a finished one.
      Path partial = Files.createTempDirectory(debs, ".fetch-");
      try {
        download(wanted, partial, listener);
        Path fetched =
            find(partial, wanted)
                .orElseThrow(
                    () -> new BuildFailedException("apt-get download left no file: " + wanted));
        Path kept = debs.resolve(fetched.getFileName());
        return Files.move(fetched, kept, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        FileTrees.delete(partial);
      }
    } catch (IOException e) {
      throw new BuildFailedException("cannot keep " + wanted + " in " + debs, e);
    }
  }

  private void download(PackageVersion wanted, Path directory, BuildListener listener) {
    long total = size(wanted);
    listener.step("downloading " + wanted);
    Command command =
        Command.of(
                "apt-get",
                "-q",
                "-o",
                "APT::Sandbox::User=root",
                "download",
                wanted.name() + "=" + wanted.version())
            .in(directory);
    CommandOutcome outcome =
        Watched.run(
            "downloading " + wanted,
            () -> commands.run(command),
            () -> listener.progress(FileTrees.size(directory), total));
    if (!outcome.succeeded()) {
      throw new RefusedException(
          new HostRefusal.KernelPackageNotFound(
              wanted.toString(), "apt-get download failed: " + outcome.tail(3)));
    }
  }

  private long size(PackageVersion wanted) {
    CommandOutcome outcome =
        commands.run(
            Command.of(
                "apt-cache", "--no-all-versions", "show", wanted.name() + "=" + wanted.version()));
    return outcome
        .output()
        .lines()
        .filter(line -> line.matches("Size: [0-9]{1,12}"))
        .mapToLong(line -> Long.parseLong(line.substring("Size: ".length())))
        .findFirst()
        .orElse(0);
  }

  private static Optional<Path> find(Path directory, PackageVersion wanted) throws IOException {
    // apt writes an epoch's colon as %3a.
    String start = wanted.name() + "_" + wanted.version().replace(":", "%3a") + "_";
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(start))
          .filter(file -> file.getFileName().toString().endsWith(".deb"))
          .findFirst();
    }
  }
}
