package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.lucos.patcher.build.KernelObjects.KernelObject;
import org.lucos.patcher.build.source.IncludeGraph;
import org.lucos.patcher.build.source.IncludeScanner;

/** The include graph of a kernel tree, kept in a file of it. */
final class Includes {
  static final String FILE = "includes-2.txt.gz";

  /** LINUXINCLUDE of the main Makefile; in the source, the output directory, or both. */
  private static final List<String> SEARCHED =
      List.of(
          "arch/x86/include",
          "arch/x86/include/generated",
          "include",
          "arch/x86/include/uapi",
          "arch/x86/include/generated/uapi",
          "include/uapi",
          "include/generated/uapi");

  /** Nothing an x86 kernel is compiled of. */
  private static final Set<String> LEFT_OUT = Set.of("Documentation", "samples", "tools", ".git");

  private Includes() {}

  static IncludeScanner scanner(Path source, Path output) {
    Set<String> files = new HashSet<>();
    list(source, files);
    list(output, files);
    return new IncludeScanner(files, SEARCHED, file -> "");
  }

  static void write(
      Path file,
      Path source,
      Path output,
      KernelObjects objects,
      Function<String, String> texts,
      BuildListener listener) {
    Set<String> files = new HashSet<>();
    list(source, files);
    list(output, files);
    Map<String, Set<String>> roots = new TreeMap<>();
    for (KernelObject object : objects.objects().values()) {
      roots
          .computeIfAbsent(object.source(), s -> new LinkedHashSet<>())
          .addAll(before(object.command(), source));
    }
    IncludeScanner scanner = new IncludeScanner(files, SEARCHED, texts);
    IncludeGraph graph =
        Watched.run("reading includes", () -> scanner.scan(roots), () -> listener.progress(0, 0));
    PackedText.write(file, graph.text());
  }

  static IncludeGraph read(Path file) {
    return IncludeGraph.parse(PackedText.read(file));
  }

  /** What a compile line includes before the file: {@code -include FILE}. */
  private static Set<String> before(String command, Path source) {
    Set<String> files = new LinkedHashSet<>();
    String[] words = command.split(" +", -1);
    for (int i = 0; i + 1 < words.length; i++) {
      if (words[i].equals("-include")) {
        files.add(words[i + 1].replace(source + "/", "").replaceFirst("^\\./", ""));
      }
    }
    return files;
  }

  private static void list(Path root, Set<String> files) {
    try {
      Files.walkFileTree(
          root,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes a) {
              String path = root.relativize(directory).toString();
              boolean other = path.startsWith("arch/") && !path.startsWith("arch/x86");
              return other || LEFT_OUT.contains(path)
                  ? FileVisitResult.SKIP_SUBTREE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes a) {
              files.add(root.relativize(file).toString());
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new BuildFailedException("cannot list " + root, e);
    }
  }
}
