package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Sources of the kernels that Debian builds with more patches than the source package has: the
 * real-time ones. The patches are in the packaging of the source package, {@code
 * debian/patches-NAME/series}, which apt gives where there is a source index; this keeps one of its
 * own.
 */
final class PatchedSourceStore {
  private static final Pattern COMMON = Pattern.compile("linux-headers-\\S+-common-([a-z0-9]+)\\b");

  private final SourceStore plain;
  private final HostCommands commands;
  private final Path cache;

  /** Sources made of those of {@code plain}, kept under {@code cache}. */
  PatchedSourceStore(SourceStore plain, HostCommands commands, Path cache) {
    this.plain = plain;
    this.commands = commands;
    this.cache = cache;
  }

  /** Which more patches a kernel was built with, as its header package's dependencies tell. */
  Optional<String> patchesOf(Path headers) {
    CommandOutcome outcome =
        commands.run(Command.of("dpkg-deb", "-f", headers.toString(), "Depends"));
    Matcher common = COMMON.matcher(outcome.output());
    return common.find() ? Optional.of(common.group(1)) : Optional.empty();
  }

  /** The root of the source with these patches; makes it at first. */
  Path unpacked(PackageVersion source, String patches, BuildListener listener) {
    Path base = plain.unpacked(source, listener);
    Path root = base.resolveSibling(base.getFileName() + "+" + patches);
    return CacheLock.holding(
        cache,
        "src-" + root.getFileName(),
        listener,
        () -> {
          if (!Files.isDirectory(root)) {
            make(base, root, source, patches, listener);
          }
          return root;
        });
  }

  private void make(
      Path base, Path root, PackageVersion source, String patches, BuildListener listener) {
    Path work = FileTrees.directories(root.resolveSibling(root.getFileName() + ".part"));
    FileTrees.delete(work);
    FileTrees.directories(work);
    try {
      Path packaging = packaging(source, work, listener);
      listener.step("applying the " + patches + " patches of " + source);
      Path tree = work.resolve("tree");
      // Hard links: patch replaces files, it does not write into them.
      require(Command.of("cp", "-al", base.toString(), tree.toString()), source);
      String folder = "debian/patches-" + patches;
      require(
          Command.of("tar", "-xf", packaging.toString(), "-C", work.toString(), folder), source);
      List<String> series =
          FileTrees.readText(work.resolve(folder + "/series"))
              .lines()
              .map(String::strip)
              .filter(line -> !line.isEmpty() && !line.startsWith("#"))
              .toList();
      for (int i = 0; i < series.size(); i++) {
        listener.progress(i, series.size());
        Path patch = work.resolve(folder).resolve(series.get(i));
        require(
            Command.of(
                "patch",
                "-p1",
                "-s",
                "-f",
                "--no-backup-if-mismatch",
                "-d",
                tree.toString(),
                "-i",
                patch.toString()),
            source);
      }
      Files.move(tree, root, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new BuildFailedException("cannot make " + root, e);
    } finally {
      FileTrees.delete(work);
    }
  }

  private Path packaging(PackageVersion source, Path work, BuildListener listener)
      throws IOException {
    listener.step("downloading the packaging of " + source);
    Path lists = FileTrees.directories(cache.resolve("source-index/lists/partial")).getParent();
    Path sources = cache.resolve("source-index").resolve("debian.list");
    FileTrees.writeText(sources, sourceLines());
    List<String> apt =
        List.of(
            "apt-get",
            "-q",
            "-o",
            "APT::Sandbox::User=root",
            "-o",
            "Dir::Etc::sourcelist=" + sources,
            "-o",
            "Dir::Etc::sourceparts=/dev/null",
            "-o",
            "Dir::State::lists=" + lists);
    require(Command.of(with(apt, "update")), source);
    String wanted = source.name() + "=" + source.version();
    require(Command.of(with(apt, "source", "--diff-only", wanted)).in(work), source);
    try (Stream<Path> files = Files.list(work)) {
      return files
          .filter(file -> file.toString().contains(".debian.tar."))
          .findFirst()
          .orElseThrow(() -> missing(source, "apt-get source left no packaging"));
    }
  }

  /** The source indexes beside those this host's apt has. */
  private String sourceLines() {
    CommandOutcome outcome =
        commands.run(
            Command.of(
                "apt-get",
                "indextargets",
                "--format",
                "$(ORIGIN) deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)",
                "Created-By: Packages"));
    StringBuilder lines = new StringBuilder();
    outcome
        .output()
        .lines()
        .filter(line -> line.startsWith("Debian deb-src "))
        .distinct()
        .forEach(line -> lines.append(line.substring("Debian ".length())).append('\n'));
    return lines.toString();
  }

  private void require(Command command, PackageVersion source) {
    CommandOutcome outcome = commands.run(command);
    if (!outcome.succeeded()) {
      throw missing(source, command.program() + " failed: " + outcome.tail(3));
    }
  }

  private static RefusedException missing(PackageVersion source, String detail) {
    return new RefusedException(
        new HostRefusal.KernelPackageNotFound("the patches beside " + source, detail));
  }

  private static List<String> with(List<String> command, String... more) {
    return Stream.concat(command.stream(), Stream.of(more)).toList();
  }
}
