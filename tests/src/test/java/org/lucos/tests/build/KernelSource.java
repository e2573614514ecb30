package org.lucos.tests.build;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.patcher.build.AptPackageIndex;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.Flavour;
import org.lucos.patcher.build.HostCommands;
import org.lucos.patcher.build.KernelTree;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.patcher.build.PackageIndex;
import org.lucos.patcher.build.ProcessCommands;
import org.lucos.patcher.build.diff.Extraction;
import org.lucos.patcher.build.diff.ObjectDiff;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** The newest kernel of a series that the package index offers, file by file. */
final class KernelSource {
  private static final Pattern NUMBER = Pattern.compile("\\d+");

  private final KernelTree tree;
  private final Path folder;
  private final AtomicInteger edits = new AtomicInteger();

  private KernelSource(KernelTree tree, Path folder) {
    this.tree = tree;
    this.folder = folder;
  }

  /** Prepares the tree; patched files are made in {@code folder}. */
  static KernelSource newest(String series, Path folder) {
    Path cache = Path.of(System.getenv().getOrDefault("LUCOS_CACHE", "/var/cache/lucos"));
    HostCommands commands = new ProcessCommands();
    PackageIndex index = new AptPackageIndex(commands, cache);
    KernelTrees trees = new KernelTrees(index, commands, cache);
    List<String> releases =
        index.namesBeginning("linux-image-" + series + ".").stream()
            .filter(name -> name.endsWith("-cloud-amd64"))
            .map(name -> name.substring("linux-image-".length()))
            .sorted(Comparator.comparing(KernelSource::key).reversed())
            .toList();
    for (String release : releases) {
      try {
        return new KernelSource(trees.prepare(release, BuildListener.SILENT), folder);
      } catch (RefusedException e) {
        if (!(e.refusal() instanceof HostRefusal.KernelPackageNotFound)) {
          throw e;
        }
      }
    }
    throw new IllegalStateException("no kernel of series " + series + " can be built here");
  }

  /** Numbers padded, so that text order is numeric order. */
  private static String key(String release) {
    Matcher numbers = NUMBER.matcher(release);
    return numbers.replaceAll(n -> String.format("%08d", Integer.parseInt(n.group())));
  }

  /** A file before and after an edit, with a section for every function. */
  record Pair(String object, ElfObject original, ElfObject patched) {
    Extraction compare() {
      return ObjectDiff.compare(object, original, patched);
    }
  }

  /** Compiles a file as it is and edited. */
  Pair compile(String file, UnaryOperator<String> edit) {
    try {
      String before = Files.readString(tree.source().resolve(file));
      String after = edit.apply(before);
      if (after.equals(before)) {
        throw new IllegalStateException("the edit does not fit " + file);
      }
      Path overlay = folder.resolve("edit" + edits.getAndIncrement());
      Path patched = overlay.resolve(file);
      Files.createDirectories(Optional.ofNullable(patched.getParent()).orElseThrow());
      Files.writeString(patched, after);
      byte[] original = tree.compile(file, Flavour.SECTIONS, BuildListener.SILENT);
      byte[] changed =
          tree.compilePatched(
              file, overlay, overlay.resolve("work"), Flavour.SECTIONS, BuildListener.SILENT);
      String object = file.substring(0, file.length() - 1) + "o";
      return new Pair(
          object,
          ElfObject.parse(object + " (original)", original),
          ElfObject.parse(object + " (patched)", changed));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Puts an instruction into every function that may be patched. */
  static String everyFunction(String source) {
    List<String> lines = new ArrayList<>(source.lines().toList());
    int head = 0;
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        head = i;
      } else if (lines.get(i).equals("{")) {
        String declaration = String.join(" ", lines.subList(head, i));
        boolean fixed =
            Pattern.compile("__init|__exit|notrace|noinstr|__weak|__sched|__always_inline|#define")
                .matcher(declaration)
                .find();
        boolean globalInline = declaration.contains("inline") && !declaration.contains("static");
        if (!fixed && !globalInline) {
          lines.set(i, "{ asm volatile(\"nopl 0x77(%rax)\");");
        }
      }
    }
    return String.join("\n", lines) + "\n";
  }
}
