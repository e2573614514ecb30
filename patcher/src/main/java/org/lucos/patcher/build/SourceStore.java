package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Unpacked kernel sources, one directory a package version, never changed once there and shared by
 * all flavours. What no x86 build reads - device trees, tests, documents - is left out.
 */
public final class SourceStore {
  // Every Kconfig stays: Kbuild reads those of all architectures.
  private static final List<String> LEFT_OUT =
      List.of(
          "--exclude=*/arch/*/boot/dts",
          "--exclude=*/tools/testing",
          "--exclude=*/Documentation/*/*");
  // Length of the list of names tar prints for a 6.x source; only a progress bar depends on it.
  private static final long TYPICAL_LISTING_BYTES = 3_300_000;
  private static final Duration LIMIT = Duration.ofMinutes(15);

  private final PackageIndex index;
  private final HostCommands commands;
  private final Path cache;

  /** Sources from {@code index}, kept under {@code cache}. */
  public SourceStore(PackageIndex index, HostCommands commands, Path cache) {
    this.index = index;
    this.commands = commands;
    this.cache = cache;
  }

  /** The root of the unpacked source; unpacks it at first. */
  public Path unpacked(PackageVersion source, BuildListener listener) {
    Path root = rootOf(source);
    if (Files.isDirectory(root)) {
      return root;
    }
    Path deb = index.fetch(source, listener);
    return CacheLock.holding(
        cache,
        "src-" + root.getFileName(),
        listener,
        () -> {
          if (!Files.isDirectory(root)) {
            listener.step("unpacking " + source);
            unpack(source, deb, root, List.of(), listener);
          }
          return root;
        });
  }

  /**
   * Some files of a source without unpacking all of it, in a directory laid out like the source;
   * files the source does not have are missing there.
   */
  public Path files(PackageVersion source, List<String> paths, BuildListener listener) {
    Path root = rootOf(source);
    if (Files.isDirectory(root)) {
      return root;
    }
    Path some = cache.resolve("src-files").resolve(root.getFileName());
    Path deb = index.fetch(source, listener);
    return CacheLock.holding(
        cache,
        "files-" + root.getFileName(),
        listener,
        () -> take(source, deb, some, paths, listener));
  }

  private Path take(
      PackageVersion source, Path deb, Path some, List<String> paths, BuildListener listener) {
    List<String> missing =
        paths.stream().filter(path -> !Files.exists(some.resolve(path))).toList();
    if (!missing.isEmpty()) {
      listener.step("taking " + missing.size() + " files out of " + source);
      Path fresh = some.resolveSibling(some.getFileName() + ".new-" + UUID.randomUUID());
      unpack(source, deb, fresh, missing, listener);
      for (String path : missing) {
        moveIfThere(fresh.resolve(path), some.resolve(path));
      }
      FileTrees.delete(fresh);
    }
    return some;
  }

  /** A file's text in a source, by {@link #files}; empty when the source has no such file. */
  public Optional<String> text(PackageVersion source, String path, BuildListener listener) {
    Path file = files(source, List.of(path), listener).resolve(path);
    return Files.isRegularFile(file) ? Optional.of(FileTrees.readText(file)) : Optional.empty();
  }

  private Path rootOf(PackageVersion source) {
    return cache.resolve("src").resolve(source.name() + "_" + source.version());
  }

  private void unpack(
      PackageVersion source, Path deb, Path root, List<String> only, BuildListener listener) {
    // Unpacked beside and renamed: a directory under the final name is complete.
    Path partial = root.resolveSibling(root.getFileName() + ".part-" + UUID.randomUUID());
    Path listing =
        FileTrees.directories(FileTrees.parent(partial)).resolve(partial.getFileName() + ".l");
    FileTrees.directories(partial);
    try {
      CommandOutcome outcome =
          Watched.run(
              "unpacking " + source,
              () -> commands.pipe(unpacking(source, deb, partial, only, listing)),
              () -> tellProgress(listing, listener));
      // tar returns 2 for wanted names that the archive does not have.
      if (!outcome.succeeded() && only.isEmpty()) {
        throw new BuildFailedException("cannot unpack " + deb + ": " + outcome.tail(3));
      }
      Files.move(partial, root, StandardCopyOption.ATOMIC_MOVE);
      Files.deleteIfExists(listing);
    } catch (IOException e) {
      throw new BuildFailedException("cannot unpack " + deb + " to " + root, e);
    } finally {
      FileTrees.delete(partial);
    }
  }

  private static List<Command> unpacking(
      PackageVersion source, Path deb, Path into, List<String> only, Path listing) {
    String inner = "./usr/src/" + source.name() + ".tar.xz";
    List<String> tar = new java.util.ArrayList<>(List.of("nice", "tar", "-xv"));
    tar.addAll(List.of("-C", into.toString(), "--strip-components=1", "--no-same-owner"));
    tar.addAll(LEFT_OUT);
    if (!only.isEmpty()) {
      tar.add("--");
      only.forEach(path -> tar.add(source.name() + "/" + path));
    }
    return List.of(
        Command.of("dpkg-deb", "--fsys-tarfile", deb.toString()),
        Command.of("tar", "-xO", inner),
        Command.of("xz", "-dc", "-T2"),
        Command.of(tar).to(listing).within(LIMIT));
  }

  private static void tellProgress(Path listing, BuildListener listener) {
    try {
      long done = Math.min(Files.size(listing), TYPICAL_LISTING_BYTES);
      listener.progress(done, TYPICAL_LISTING_BYTES);
    } catch (IOException e) {
      listener.progress(0, 0); // not there yet
    }
  }

  private static void moveIfThere(Path from, Path to) {
    if (!Files.exists(from)) {
      return;
    }
    try {
      Files.createDirectories(FileTrees.parent(to));
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new BuildFailedException("cannot keep " + to, e);
    }
  }
}
