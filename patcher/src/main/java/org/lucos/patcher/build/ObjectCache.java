package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.bytes.Bytes;

/**
 * Compiled objects by what they are made of: the command and the preprocessed text. A build that
 * was stopped, or that is repeated with a small change, compiles only what differs.
 */
final class ObjectCache {
  private static final int MOST_OBJECTS = 4_000;

  private final Path directory;
  private final Clock clock;

  /**
   * @param clock tells when an object was used last
   */
  ObjectCache(Path directory, Clock clock) {
    this.directory = directory;
    this.clock = clock;
  }

  /** What tells preprocessed texts apart. */
  static String digest(String text) {
    return Bytes.of(text.getBytes(StandardCharsets.ISO_8859_1)).sha256();
  }

  /**
   * The key of an object.
   *
   * @param digest of its preprocessed text
   */
  static String key(List<String> command, String digest) {
    String all = String.join("\0", command) + "\0\0" + digest;
    return Bytes.of(all.getBytes(StandardCharsets.UTF_8)).sha256();
  }

  /** The object of that key, if it is there. */
  Optional<byte[]> get(String key) {
    Path file = file(key);
    try {
      byte[] object = Files.readAllBytes(file);
      Files.setLastModifiedTime(file, FileTime.from(clock.instant()));
      return Optional.of(object);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new BuildFailedException("cannot read " + file, e);
    }
  }

  void put(String key, byte[] object) {
    FileTrees.writeAtomically(file(key), object);
  }

  private Path file(String key) {
    return directory.resolve(key.substring(0, 2)).resolve(key + ".o");
  }

  /** Deletes what was not used for longest when there is too much. */
  void prune() {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(directory)) {
      List<Used> objects = new ArrayList<>();
      for (Path folder : folders) {
        addObjects(folder, objects);
      }
      objects.sort(Comparator.comparing(Used::at).reversed());
      for (Used old : objects.subList(Math.min(MOST_OBJECTS, objects.size()), objects.size())) {
        Files.deleteIfExists(old.object());
      }
    } catch (IOException | DirectoryIteratorException e) {
      throw new BuildFailedException("cannot tidy up " + directory, e);
    }
  }

  /** An object and when it was last used, as of one moment: other builds use it too. */
  private record Used(Path object, FileTime at) {}

  private static void addObjects(Path folder, List<Used> objects) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.o")) {
      for (Path file : files) {
        objects.add(new Used(file, used(file)));
      }
    } catch (NotDirectoryException e) {
      return; // none of ours
    }
  }

  private static FileTime used(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException e) {
      return FileTime.fromMillis(0); // another build has just deleted it
    }
  }
}
