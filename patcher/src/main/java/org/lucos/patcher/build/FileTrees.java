package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Files and directories as wholes. */
final class FileTrees {
  private FileTrees() {}

  /** Deletes {@code root} and all below it, without following links; it need not exist. */
  static void delete(Path root) {
    if (!Files.exists(root, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new BuildFailedException("cannot delete " + root, e);
    }
  }

  /** Bytes of all files below {@code root}; files that come and go meanwhile may be missed. */
  static long size(Path root) {
    long sum = 0;
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        sum += sizeIfThere(file);
      }
    } catch (IOException | java.io.UncheckedIOException e) {
      return sum; // only used to show progress
    }
    return sum;
  }

  private static long sizeIfThere(Path file) throws IOException {
    try {
      return Files.size(file);
    } catch (NoSuchFileException e) {
      return 0;
    }
  }

  /** Writes a file so that readers see either nothing, what was before, or all of it. */
  static void writeAtomically(Path file, byte[] content) {
    try {
      Path directory = parent(file);
      Files.createDirectories(directory);
      Path partial = Files.createTempFile(directory, ".write-", "");
      try {
        Files.write(partial, content);
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(partial);
      }
    } catch (IOException e) {
      throw new BuildFailedException("cannot write " + file, e);
    }
  }

  /** Reads a file whole. */
  static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new BuildFailedException("cannot read " + file, e);
    }
  }

  /** Reads a source file as text; every byte becomes one character and back. */
  static String readText(Path file) {
    return new String(read(file), StandardCharsets.ISO_8859_1);
  }

  /** Writes a source file read with {@link #readText}. */
  static void writeText(Path file, String text) {
    writeAtomically(file, text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** The directory a file lies in; the file must not be a root. */
  static Path parent(Path file) {
    return Objects.requireNonNull(file.getParent(), "a file has a directory");
  }

  /** Names of the folders in a folder, sorted. */
  static List<String> folders(Path root) {
    try (Stream<Path> files = Files.list(root)) {
      return files
          .filter(Files::isDirectory)
          .map(folder -> String.valueOf(folder.getFileName()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new BuildFailedException("cannot list " + root, e);
    }
  }

  /** Copies the headers of one folder to another; the folder need not exist. */
  static void copyHeaders(Path from, Path to) {
    if (!Files.isDirectory(from)) {
      return;
    }
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".h")).toList()) {
        Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      throw new BuildFailedException("cannot copy the headers of " + from, e);
    }
  }

  /** Makes a directory with its parents. */
  static Path directories(Path directory) {
    try {
      return Files.createDirectories(directory);
    } catch (IOException e) {
      throw new BuildFailedException("cannot make " + directory, e);
    }
  }
}
