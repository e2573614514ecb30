package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A kernel source with some files patched: a directory that holds the patched files under their
 * paths and links to everything else. A compiler looks for {@code "x.h"} beside the file that
 * includes it, and for {@code "../x.h"} from there: so whatever includes a patched file must lie in
 * a directory of this tree, not behind a link to one of the source.
 */
final class PatchedTree {
  /**
   * A link to the source, through which all others go: a link of less than 60 bytes needs no block
   * on the disk (ext4), and there are thousands, each to be deleted again.
   */
  private static final String ORIGINAL = ".original";

  private final Path source;
  private final Path root;

  /**
   * @param source the unpatched source
   * @param root holds the patched files; links are added
   */
  PatchedTree(Path source, Path root) {
    this.source = source;
    this.root = root;
  }

  /** Makes a directory of the source, such as {@code fs/proc}, and those above it directories. */
  void open(String directory) {
    Path at = Path.of("");
    link(at);
    for (Path name : Path.of(directory)) {
      at = at.resolve(name);
      link(at);
    }
  }

  /** Makes a directory and all below it directories. */
  void openAll(String directory) {
    open(directory);
    openBelow(source.resolve(directory));
  }

  private void openBelow(Path directory) {
    for (Path below : children(directory)) {
      if (Files.isDirectory(below, LinkOption.NOFOLLOW_LINKS)) {
        link(source.relativize(below));
        openBelow(below);
      }
    }
  }

  private void link(Path directory) {
    Path here = root.resolve(directory);
    Path there = source.resolve(directory);
    if (!Files.isDirectory(there)) {
      return; // of generated files: the output directory has it
    }
    try {
      if (Files.isSymbolicLink(here)) {
        Files.delete(here);
      }
      Files.createDirectories(here);
      link(root.resolve(ORIGINAL), source);
      Path originals = here.relativize(root.resolve(ORIGINAL)).resolve(directory);
      for (Path original : children(there)) {
        Path name = original.getFileName();
        if (name != null && !Files.exists(here.resolve(name), LinkOption.NOFOLLOW_LINKS)) {
          link(here.resolve(name), originals.resolve(name));
        }
      }
    } catch (IOException e) {
      throw new BuildFailedException("cannot link " + here + " to " + there, e);
    }
  }

  private static void link(Path from, Path to) throws IOException {
    try {
      Files.createSymbolicLink(from, to);
    } catch (FileAlreadyExistsException e) {
      return; // another compilation of this build was faster
    }
  }

  private static List<Path> children(Path directory) {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.toList();
    } catch (IOException e) {
      throw new BuildFailedException("cannot list " + directory, e);
    }
  }

  /**
   * Fails if a compilation has read the unpatched original of a patched file.
   *
   * @param dependencies the compiler's list of files read ({@code -MMD})
   */
  void requireSeen(Path dependencies) {
    try {
      Path real = source.toRealPath();
      for (String word : FileTrees.readText(dependencies).split("[\\s\\\\]+", -1)) {
        if (word.startsWith("/")) {
          Path read = Path.of(word).toRealPath();
          if (read.startsWith(real) && isPatched(real.relativize(read))) {
            throw new BuildFailedException(
                "the compiler has read the unpatched " + real.relativize(read) + " as " + word);
          }
        }
      }
    } catch (IOException e) {
      throw new BuildFailedException("cannot check " + dependencies, e);
    }
  }

  private boolean isPatched(Path file) throws IOException {
    Path here = root.resolve(file);
    return Files.exists(here) && here.toRealPath().startsWith(root.toRealPath());
  }
}
