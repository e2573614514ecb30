package org.lucos.patcher.build;

import com.google.common.collect.ImmutableSortedMap;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.lucos.patcher.build.KernelObjects.KernelObject;
import org.lucos.patcher.build.source.HeaderChange;
import org.lucos.patcher.build.source.IncludeGraph;
import org.lucos.patcher.build.source.NameReach;
import org.lucos.patcher.build.source.UnitChange;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Finds the compiled files whose code a change of headers may change. Three sieves, each finer and
 * dearer than the one before: who includes the header at all; who can have to do with the names
 * that differ; whose preprocessed text differs where code uses it. What passes must be compiled.
 */
final class HeaderUsers {
  /** Preprocessing takes a tenth of what compiling takes, so that more may be looked at. */
  private static final int LOOKED_AT_FOR_EACH = 5;

  private final KernelTree tree;
  private final Path overlay;
  private final Path work;
  private final int limit;
  private final Optional<Set<String>> modules;
  private final BuildListener listener;

  /**
   * @param overlay holds the patched files
   * @param work a directory for what is made on the way, and for the report
   * @param options how many objects may be compiled, and of which modules
   */
  HeaderUsers(
      KernelTree tree,
      Path overlay,
      Path work,
      PatchBuilder.Options options,
      BuildListener listener) {
    this.tree = tree;
    this.overlay = overlay;
    this.work = work;
    this.limit = options.maxObjects();
    this.modules = options.modules();
    this.listener = listener;
  }

  /** What preprocessing says of one file; the digest of its patched text if that may matter. */
  private record Verdict(String file, UnitChange change, Optional<String> digest) {}

  /**
   * The C files to compile, in the order of their names, with the digests of their patched texts.
   *
   * @param headers that are patched
   * @param added headers that the source does not have: only patched files include them
   * @param known files that are compiled anyway
   */
  ImmutableSortedMap<String, String> find(
      Set<String> headers, Set<String> added, Set<String> known) {
    KernelObjects objects = tree.objects(listener);
    IncludeGraph graph = tree.includes(listener);
    listener.step("finding who uses " + String.join(", ", headers));
    Set<String> including = compiled(objects, graph.includers(headers));
    Set<String> concerned = new TreeSet<>(concerned(headers, added, graph, including));
    concerned.removeAll(known);
    listener.note(
        String.format(
            "%s: included by %d of %d files, %d may use what changes",
            String.join(", ", headers),
            including.size(),
            objects.objects().size(),
            concerned.size()));
    leaveOutModules(concerned);
    if (concerned.size() > limit * LOOKED_AT_FOR_EACH) {
      throw tooMany(headers, concerned.size());
    }
    return sieved(headers, new ArrayList<>(concerned));
  }

  private void leaveOutModules(Set<String> concerned) {
    Set<String> left = new TreeSet<>();
    for (String file : Set.copyOf(concerned)) {
      Optional<String> module = tree.module(file);
      if (module.isPresent() && modules.isPresent() && !modules.get().contains(module.get())) {
        concerned.remove(file);
        left.add(module.get());
      }
    }
    if (!left.isEmpty()) {
      listener.note("left as they are, as asked: modules " + String.join(", ", left));
    }
  }

  private static Set<String> compiled(KernelObjects objects, Set<String> files) {
    Set<String> sources = new TreeSet<>();
    for (KernelObject object : objects.objects().values()) {
      if (files.contains(object.source())) {
        sources.add(object.source());
      }
    }
    return sources;
  }

  /** The second sieve. */
  private Set<String> concerned(
      Set<String> headers, Set<String> added, IncludeGraph graph, Set<String> including) {
    Set<String> names = new HashSet<>();
    boolean open = false;
    boolean same = true;
    for (String header : headers) {
      HeaderChange change =
          HeaderChange.between(
              FileTrees.readText(tree.source().resolve(header)),
              FileTrees.readText(overlay.resolve(header)));
      same &= change.isEmpty();
      open |= change.open();
      names.addAll(change.names());
      names.addAll(brought(header, change, graph));
    }
    for (String header : added) {
      HeaderChange change = HeaderChange.added(FileTrees.readText(overlay.resolve(header)));
      open |= change.open();
      names.addAll(change.names());
      names.addAll(brought(header, change, graph));
    }
    if (same || open) {
      return same ? Set.of() : including;
    }
    Set<String> read = new LinkedHashSet<>(graph.included(including));
    read.removeAll(including);
    NameReach.Reached reached = new NameReach(read, including, tree::text).of(names);
    Set<String> concerned = new TreeSet<>(reached.roots());
    concerned.addAll(graph.includers(reached.spreading()));
    concerned.retainAll(including);
    return concerned;
  }

  /** Names that a header had not declared by what it includes, before and after. */
  private Set<String> brought(String header, HeaderChange change, IncludeGraph graph) {
    Set<String> names = new HashSet<>();
    if (!change.includes().isEmpty()) {
      Set<String> files = new HashSet<>();
      change.includes().forEach(i -> files.addAll(tree.meant(header, i)));
      for (String file : graph.included(files)) {
        names.addAll(HeaderChange.between("", tree.text(file)).names());
      }
    }
    return names;
  }

  /** The third sieve. */
  private ImmutableSortedMap<String, String> sieved(Set<String> headers, List<String> concerned) {
    listener.step("preprocessing " + concerned.size() + " files before and after");
    PatchedTree patched = new PatchedTree(tree.source(), overlay);
    Set<String> all = new TreeSet<>(headers);
    all.addAll(concerned);
    all.stream().map(HeaderUsers::top).distinct().forEach(patched::openAll);
    List<Verdict> verdicts =
        Parallel.map(concerned, listener, file -> withoutType(verdict(file), headers));
    StringBuilder report = new StringBuilder();
    ImmutableSortedMap.Builder<String, String> found = ImmutableSortedMap.naturalOrder();
    for (Verdict verdict : verdicts) {
      report.append(verdict.file()).append(' ').append(verdict.change()).append('\n');
      verdict.digest().ifPresent(digest -> found.put(verdict.file(), digest));
    }
    FileTrees.writeText(work.resolve("header-users.txt"), report.toString());
    ImmutableSortedMap<String, String> compile = found.build();
    compile.keySet().forEach(this::checkPlace);
    if (compile.size() > limit) {
      throw tooMany(headers, compile.size());
    }
    return compile;
  }

  /** The first changed type is reason enough: the other files need not be looked at. */
  private static Verdict withoutType(Verdict verdict, Set<String> headers) {
    if (verdict.change() instanceof UnitChange.Type type) {
      throw new RefusedException(
          new ChangeRefusal.TypeChanged(
              type.name(),
              verdict.file(),
              "its definition in " + String.join(", ", headers) + " is another",
              1));
    }
    return verdict;
  }

  /** The part of the source within which files include each other by relative paths. */
  private static String top(String file) {
    String[] names = file.split("/", 3);
    return names[0].equals("arch") ? names[0] + "/" + names[1] : names[0];
  }

  private Verdict verdict(String file) {
    String before = tree.preprocess(file, BuildListener.SILENT);
    String after = tree.preprocessPatched(file, overlay, work, BuildListener.SILENT);
    UnitChange change = UnitChange.between(before, after);
    boolean assembly = file.endsWith(".S") && !(change instanceof UnitChange.None);
    return assembly || change instanceof UnitChange.Code
        ? new Verdict(file, new UnitChange.Code(), Optional.of(ObjectCache.digest(after)))
        : new Verdict(file, change, Optional.empty());
  }

  private void checkPlace(String file) {
    if (file.endsWith(".S")) {
      throw unsupported(file, "assembly code changes with a header it includes");
    }
    OtherCode.refusal(file)
        .ifPresent(
            refusal -> {
              throw new RefusedException(refusal);
            });
    Placement placement =
        tree.objects(listener).of(file).map(KernelObject::placement).orElseThrow();
    if (placement instanceof Placement.NotBuilt) {
      throw unsupported(
          file,
          "a header it includes changes it, and it becomes a part of neither vmlinux nor a module"
              + " but of the vDSO, boot code or a table");
    }
    if (placement instanceof Placement.Modules several) {
      throw unsupported(
          file, "several modules have a copy of it (" + String.join(", ", several.names()) + ")");
    }
  }

  private RefusedException tooMany(Set<String> headers, int count) {
    return new RefusedException(
        new ChangeRefusal.TooManyObjects(String.join(", ", headers), count, limit));
  }

  private static RefusedException unsupported(String what, String detail) {
    Refusal refusal = new ChangeRefusal.UnsupportedChange(what, detail);
    return new RefusedException(refusal);
  }
}
