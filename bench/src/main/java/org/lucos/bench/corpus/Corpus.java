package org.lucos.bench.corpus;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.lucos.bench.corpus.ChangedFile.Change;
import org.lucos.patcher.build.PackageVersion;

/**
 * The difference between two source versions.
 *
 * @param from the older source package
 * @param to the newer one
 * @param release the kernel that the older one was built to
 * @param before the unpacked older source
 * @param after the unpacked newer source
 * @param files what differs, by path
 */
public record Corpus(
    PackageVersion from,
    PackageVersion to,
    String release,
    Path before,
    Path after,
    List<ChangedFile> files) {
  /** Keeps its own copy. */
  public Corpus {
    files = ImmutableList.copyOf(files);
  }

  /**
   * Which files to work on.
   *
   * @param only a glob on paths, such as {@code net/ipv4/**}
   * @param sample that many files, chosen by chance
   * @param seed makes the choice; the same seed chooses the same files
   */
  public record Choice(Optional<String> only, Optional<Integer> sample, long seed) {}

  /** The files of a choice that may be kernel code. */
  public List<ChangedFile> chosen(Choice choice) {
    Optional<PathMatcher> glob =
        choice.only().map(pattern -> FileSystems.getDefault().getPathMatcher("glob:" + pattern));
    List<ChangedFile> chosen = new ArrayList<>();
    for (ChangedFile file : files) {
      if (file.area() != Area.OTHER
          && glob.map(g -> g.matches(Path.of(file.path()))).orElse(true)) {
        chosen.add(file);
      }
    }
    if (choice.sample().isPresent() && choice.sample().get() < chosen.size()) {
      Collections.shuffle(chosen, new Random(choice.seed()));
      chosen = new ArrayList<>(chosen.subList(0, choice.sample().get()));
      chosen.sort((a, b) -> a.path().compareTo(b.path()));
    }
    return chosen;
  }

  /** A file's text before, every byte as one character; empty if it is added. */
  public String textBefore(ChangedFile file) {
    return file.change() == Change.ADDED ? "" : text(before.resolve(file.path()));
  }

  /** A file's text after; empty if it is removed. */
  public String textAfter(ChangedFile file) {
    return file.change() == Change.REMOVED ? "" : text(after.resolve(file.path()));
  }

  private static String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }
}
