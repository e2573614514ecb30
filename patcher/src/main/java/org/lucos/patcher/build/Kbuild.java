package org.lucos.patcher.build;

import com.google.common.base.Suppliers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Questions to a configured kernel tree's own build system. A fragment is read after {@code
 * scripts/Makefile.build}, which has by then worked out the lists of objects of one directory; it
 * only prints them, so an answer takes some 20 ms.
 */
final class Kbuild {
  private static final String GOAL = "lucos-query";
  // obj-m, real-obj-y, real-search, subdir-ym, delay-objtool, objtool-args-y: scripts/Makefile.lib
  private static final String FRAGMENT =
      GOAL
          + ": ; @:\n"
          + "\t$(info lucos-builtin $(real-obj-y) $(lib-y))\n"
          + "\t$(foreach m,$(patsubst $(obj)/%,%,$(filter %.o,$(obj-m))),$(info lucos-module $(m:.o=)"
          + " $(addprefix $(obj)/,$(call real-search,$(m),.o,-objs -y -m))))\n"
          + "\t$(info lucos-subdirectories $(subdir-ym))\n"
          + "\t$(info lucos-objtool $(objtool-args-y))\n"
          + "\t$(info lucos-delayed $(delay-objtool))\n";

  private static final List<String> BESIDE =
      List.of("Documentation/", "samples/", "scripts/", "tools/");
  private static final Pattern OPTION = Pattern.compile("CONFIG_[A-Z0-9_]+");
  private static final Pattern COMPOSITE = Pattern.compile("^\\s*([A-Za-z0-9_-]+)-(?:y|objs)\\b");

  private final HostCommands commands;
  private final Path source;
  private final Path output;
  private final List<String> variables;
  private final Map<String, Directory> answers = new ConcurrentHashMap<>();
  private final Supplier<Map<String, String>> makefiles = Suppliers.memoize(this::makefiles);

  /**
   * @param source root of the source
   * @param output the configured output directory ({@code O=})
   * @param variables assignments given to every make, such as {@code CC=gcc-12}
   */
  Kbuild(HostCommands commands, Path source, Path output, List<String> variables) {
    this.commands = commands;
    this.source = source;
    this.output = output;
    this.variables = List.copyOf(variables);
  }

  /**
   * What Kbuild knows about one directory.
   *
   * @param builtIn objects and subdirectories linked into vmlinux, by path from the root
   * @param modules for each object of a module, the modules it is part of as the kernel lists them
   * @param subdirectories that are entered, by path from the root
   * @param objtoolArguments objtool's arguments for an object
   * @param objtoolDelayed objtool is run on the linked vmlinux.o and not on each object
   */
  record Directory(
      Set<String> builtIn,
      Map<String, Set<String>> modules,
      Set<String> subdirectories,
      List<String> objtoolArguments,
      boolean objtoolDelayed) {}

  /** Where the object of {@code file}, such as {@code fs/readdir.c}, goes. */
  Placement placement(String file) {
    if (file.startsWith("arch/") && !file.startsWith("arch/x86/")) {
      return new Placement.NotBuilt("another architecture");
    }
    String object = file.substring(0, file.length() - 2) + ".o";
    Optional<String> owner = owner(object);
    if (owner.isEmpty()) {
      String directory = parent(file);
      Optional<String> elsewhere = elsewhere(directory, object);
      if (elsewhere.isPresent()) {
        String named = elsewhere.get();
        return new Placement.Elsewhere(named.substring(0, named.length() - 2) + ".c");
      }
      if (makefile(directory) == null) {
        return new Placement.NotBuilt("no Makefile builds " + directory);
      }
      return new Placement.NotBuilt(
          entered(directory)
              ? whyNot(directory, object)
              : "this configuration does not enter " + directory + "/");
    }
    Directory own = ask(owner.get());
    boolean module = own.modules().containsKey(object);
    if (!(module ? entered(owner.get()) : descended(owner.get()))) {
      return new Placement.NotBuilt("this configuration does not enter " + owner.get() + "/");
    }
    List<String> modules = List.copyOf(own.modules().getOrDefault(object, Set.of()));
    return switch (modules.size()) {
      case 0 -> new Placement.BuiltIn();
      case 1 -> new Placement.Module(modules.get(0));
      default -> new Placement.Modules(modules);
    };
  }

  /**
   * The directory whose Makefile lists an object: its own, or one above, as {@code fs/xfs} does for
   * {@code fs/xfs/libxfs}. Directories this configuration does not enter are not asked: some cannot
   * answer without what their parents define.
   */
  Optional<String> owner(String object) {
    for (String at = parent(object); !at.isEmpty(); at = parent(at)) {
      if (makefile(at) != null && entered(at)) {
        Directory answer = ask(at);
        if (answer.builtIn().contains(object) || answer.modules().containsKey(object)) {
          return Optional.of(at);
        }
      }
    }
    return Optional.empty();
  }

  /**
   * The path upwards by which the Makefile of another directory names an object, as that of {@code
   * arch/x86/kvm} does for {@code virt/kvm}. Only Makefiles that have the other's path are asked.
   */
  private Optional<String> elsewhere(String directory, String object) {
    return makefiles.get().entrySet().stream()
        .filter(makefile -> makefile.getValue().contains(directory + "/"))
        .map(Map.Entry::getKey)
        .filter(other -> !object.startsWith(other + "/") && entered(other))
        .flatMap(other -> upwards(ask(other)))
        .filter(named -> Path.of(named).normalize().toString().equals(object))
        .findFirst();
  }

  private static Stream<String> upwards(Directory answer) {
    return Stream.concat(answer.builtIn().stream(), answer.modules().keySet().stream())
        .filter(object -> object.contains("/../"));
  }

  /** The Makefiles that may build for this machine, by directory; those of the root left out. */
  private Map<String, String> makefiles() {
    Map<String, String> found = new TreeMap<>();
    try (Stream<Path> files = Files.find(source, 12, (path, facts) -> isMakefile(path))) {
      for (Path file : files.toList()) {
        String directory = parent(source.relativize(file).toString());
        found.merge(directory, FileTrees.readText(file), String::concat);
      }
    } catch (IOException e) {
      throw new BuildFailedException("cannot look for Makefiles in " + source, e);
    }
    return found;
  }

  private boolean isMakefile(Path file) {
    String name = file.getFileName().toString();
    String path = source.relativize(file).toString();
    return (name.equals("Makefile") || name.equals("Kbuild"))
        && path.contains("/")
        && (!path.startsWith("arch/") || path.startsWith("arch/x86/"))
        && BESIDE.stream().noneMatch(path::startsWith);
  }

  private static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  /** Asks about one directory; the configuration does not change, so each is asked once. */
  Directory ask(String directory) {
    return answers.computeIfAbsent(directory, this::askMake);
  }

  private Directory askMake(String directory) {
    Path fragment = output.resolve(".lucos-query-" + FRAGMENT.hashCode() + ".mk");
    if (!Files.exists(fragment)) {
      FileTrees.writeText(fragment, FRAGMENT);
    }
    List<String> make = new ArrayList<>(List.of("make", "-s", "-rR"));
    make.addAll(List.of("-f", source.resolve("scripts/Makefile.build").toString()));
    make.addAll(List.of("-f", fragment.toString()));
    make.addAll(variables);
    make.addAll(
        List.of(
            "obj=" + directory,
            "srctree=" + source,
            "abs_srctree=" + source,
            "objtree=.",
            "abs_objtree=" + output,
            "VPATH=" + source,
            "SRCARCH=x86",
            "CONFIG_SHELL=/bin/sh",
            "building_out_of_srctree=1",
            "KBUILD_BUILTIN=1",
            "KBUILD_MODULES=1",
            "need-builtin=1",
            "need-modorder=1",
            "LD=ld",
            "NM=nm",
            "OBJCOPY=objcopy"));
    make.add(GOAL);
    CommandOutcome outcome = commands.run(Command.of(make).in(output));
    if (!outcome.succeeded()) {
      throw new BuildFailedException(
          "cannot ask Kbuild about " + directory + ": " + outcome.tail(3));
    }
    return new Directory(
        new HashSet<>(answer(outcome, "lucos-builtin")),
        modules(outcome),
        new HashSet<>(answer(outcome, "lucos-subdirectories")),
        answer(outcome, "lucos-objtool"),
        !answer(outcome, "lucos-delayed").isEmpty());
  }

  /** The lines {@code lucos-module NAME OBJECT...}, by object. */
  private static Map<String, Set<String>> modules(CommandOutcome outcome) {
    Map<String, Set<String>> modules = new HashMap<>();
    for (String line : outcome.output().lines().toList()) {
      List<String> words = List.of(line.strip().split("\\s+", -1));
      if (words.get(0).equals("lucos-module") && words.size() > 1) {
        String module = moduleName(words.get(1));
        words
            .subList(2, words.size())
            .forEach(object -> modules.computeIfAbsent(object, o -> new TreeSet<>()).add(module));
      }
    }
    return modules;
  }

  /** KBUILD_MODNAME: what follows the last slash, with dashes as underscores. */
  static String moduleName(String composite) {
    return composite.substring(composite.lastIndexOf('/') + 1).replace('-', '_');
  }

  private static List<String> answer(CommandOutcome outcome, String key) {
    return outcome
        .output()
        .lines()
        .filter(line -> line.equals(key) || line.startsWith(key + " "))
        .flatMap(line -> Arrays.stream(line.substring(key.length()).strip().split("\\s+", -1)))
        .filter(word -> !word.isEmpty())
        .toList();
  }

  /** Every directory on the way down is entered, for vmlinux or for modules. */
  private boolean entered(String directory) {
    String parent = parent(directory);
    if (parent.isEmpty() || parent.equals("arch")) {
      return true; // as below
    }
    // drivers/Makefile enters video/fbdev/core by its whole path.
    for (String above = parent; !above.isEmpty(); above = parent(above)) {
      if (makefile(above) != null
          && entered(above)
          && ask(above).subdirectories().contains(directory)) {
        return true;
      }
    }
    return parent.startsWith("arch/")
        && entered(parent)
        && names(parent + "/Makefile", directory + "/");
  }

  /** Every directory on the way down is linked into vmlinux. */
  private boolean descended(String directory) {
    String parent = parent(directory);
    if (parent.isEmpty()) {
      return true; // top-level directories: the main Makefile names them without conditions
    }
    if (parent.equals("arch")) {
      return true;
    }
    if (ask(parent).builtIn().contains(directory + "/built-in.a")) {
      return descended(parent);
    }
    // arch/x86/Makefile adds some directories (lib, pci, power) by their whole path.
    return parent.startsWith("arch/") && names(parent + "/Makefile", directory + "/");
  }

  private boolean names(String file, String text) {
    Path path = source.resolve(file);
    return Files.isRegularFile(path) && FileTrees.readText(path).contains(text);
  }

  private @Nullable Path makefile(String directory) {
    for (String name : List.of("Kbuild", "Makefile")) {
      Path file = source.resolve(directory).resolve(name);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    return null;
  }

  private String whyNot(String directory, String object) {
    Path makefile = makefile(directory);
    String name = object.substring(object.lastIndexOf('/') + 1);
    String text = makefile == null ? "" : FileTrees.readText(makefile).replace("\\\n", " ");
    Optional<String> option = option(text, name);
    if (option.isEmpty()) {
      // Part of a composite: "foo-y := a.o b.o", and elsewhere "obj-$(CONFIG_FOO) += foo.o".
      option =
          lineWith(text, name)
              .map(line -> COMPOSITE.matcher(line))
              .filter(Matcher::find)
              .flatMap(matcher -> option(text, matcher.group(1) + ".o"));
    }
    if (option.isPresent()) {
      return option.get() + " is not set in this kernel's configuration";
    }
    return "nothing in " + directory + "/ links " + name + " into vmlinux";
  }

  private static Optional<String> option(String makefile, String object) {
    return lineWith(makefile, object)
        .map(line -> OPTION.matcher(line))
        .filter(Matcher::find)
        .map(Matcher::group);
  }

  private static Optional<String> lineWith(String makefile, String object) {
    return makefile
        .lines()
        .filter(line -> Arrays.asList(line.strip().split("\\s+", -1)).contains(object))
        .findFirst();
  }
}
