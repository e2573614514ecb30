package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * Every object that a configuration compiles from the source: from which file, by which command,
 * and what it becomes a part of. As {@link KbuildWalk} found it.
 *
 * @param objects by the object's path, such as {@code fs/readdir.o}
 * @param delayedObjtool objtool's arguments where it runs on linked objects only; else empty
 */
record KernelObjects(
    ImmutableSortedMap<String, KernelObject> objects, List<String> delayedObjtool) {
  KernelObjects {
    delayedObjtool = ImmutableList.copyOf(delayedObjtool);
  }

  /**
   * One object.
   *
   * @param object its path
   * @param source the file it is compiled from, {@code .c} or {@code .S}, from the source's root
   * @param placement where it goes; {@code NotBuilt} for what is compiled into something else, such
   *     as the vDSO
   * @param command the recorded command, to be read by {@link CompileLine#parse}
   */
  record KernelObject(String object, String source, Placement placement, String command) {}

  /** Reads what a walk gave. */
  static KernelObjects parse(String name, String text) {
    Set<String> builtIn = new HashSet<>();
    Map<String, Set<String>> modules = new HashMap<>();
    Map<String, String> commands = new TreeMap<>();
    List<String> objtool = List.of();
    for (String line : text.split("\n", -1)) {
      int space = line.indexOf(' ');
      String key = space < 0 ? line : line.substring(0, space);
      if (key.startsWith("cmd_")) {
        commands.put(key.substring(4), line);
        continue;
      }
      List<String> words = words(space < 0 ? "" : line.substring(space));
      switch (key) {
        case "builtin" -> builtIn.addAll(words);
        case "module" -> addModule(words, modules);
        case "objtool" -> objtool = words.isEmpty() ? objtool : words;
        case "directory", "archive", "" -> {}
        default ->
            throw new MalformedDataException(name, text.indexOf(line), "no such key: " + key);
      }
    }
    ImmutableSortedMap.Builder<String, KernelObject> objects = ImmutableSortedMap.naturalOrder();
    commands.forEach(
        (object, command) ->
            objects.put(
                object,
                new KernelObject(
                    object,
                    source(object, command),
                    placement(object, builtIn, modules),
                    command)));
    return new KernelObjects(objects.build(), objtool);
  }

  private static void addModule(List<String> words, Map<String, Set<String>> modules) {
    if (!words.isEmpty()) {
      String module = Kbuild.moduleName(words.get(0));
      for (String object : words.subList(1, words.size())) {
        modules.computeIfAbsent(object, o -> new TreeSet<>()).add(module);
      }
    }
  }

  /** The object's path with the suffix of the file it is compiled from. */
  private static String source(String object, String command) {
    String base = object.substring(0, object.length() - 2);
    return command.contains("/" + base + ".S") ? base + ".S" : base + ".c";
  }

  private static Placement placement(
      String object, Set<String> builtIn, Map<String, Set<String>> modules) {
    if (builtIn.contains(object)) {
      return new Placement.BuiltIn();
    }
    List<String> names = List.copyOf(modules.getOrDefault(object, Set.of()));
    return switch (names.size()) {
      case 0 -> new Placement.NotBuilt("it is neither linked into vmlinux nor into a module");
      case 1 -> new Placement.Module(names.get(0));
      default -> new Placement.Modules(names);
    };
  }

  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    for (String word : text.strip().split("\\s+", -1)) {
      if (!word.isEmpty()) {
        words.add(word);
      }
    }
    return words;
  }

  /** The object compiled from a file; absent when this configuration compiles it to none. */
  Optional<KernelObject> of(String sourceFile) {
    String object = sourceFile.substring(0, sourceFile.lastIndexOf('.')) + ".o";
    return Optional.ofNullable(objects.get(object)).filter(o -> o.source().equals(sourceFile));
  }
}
