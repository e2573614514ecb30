package org.lucos.bench.corpus;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.lucos.bench.corpus.ChangedFile.Change;

/** Splits the difference between two unpacked sources by file. */
final class SourceSplit {
  private SourceSplit() {}

  /**
   * The files that differ, by path. Links are left out: what they lead to is compared where it is.
   *
   * @param progress told how many of how many files have been compared
   */
  static List<ChangedFile> of(Path before, Path after, BiConsumer<Long, Long> progress) {
    try {
      Map<String, Long> old = sizes(before);
      Map<String, Long> fresh = sizes(after);
      Set<String> paths = new TreeSet<>(old.keySet());
      paths.addAll(fresh.keySet());
      List<ChangedFile> changed = new ArrayList<>();
      long done = 0;
      for (String path : paths) {
        progress.accept(++done, (long) paths.size());
        if (!fresh.containsKey(path)) {
          changed.add(new ChangedFile(path, Change.REMOVED));
        } else if (!old.containsKey(path)) {
          changed.add(new ChangedFile(path, Change.ADDED));
        } else if (!old.get(path).equals(fresh.get(path))
            || Files.mismatch(before.resolve(path), after.resolve(path)) >= 0) {
          changed.add(new ChangedFile(path, Change.CHANGED));
        }
      }
      return changed;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot compare " + before + " with " + after, e);
    }
  }

  private static Map<String, Long> sizes(Path root) throws IOException {
    Map<String, Long> sizes = new TreeMap<>();
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
          sizes.put(root.relativize(file).toString(), Files.size(file));
        }
      }
    }
    return sizes;
  }
}
