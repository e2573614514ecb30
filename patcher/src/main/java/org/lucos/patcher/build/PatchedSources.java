package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.lucos.patcher.build.SourceDiff.Action;
import org.lucos.patcher.build.SourceDiff.FileChange;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * The files a diff touches, patched, in a directory of their own; the tree stays as it is.
 *
 * @param overlay holds the patched files under their paths in the source
 * @param compiled C files to compile, each built into vmlinux or one module; a file that is
 *     included by another C file (as kernel/sched does) is named by that one
 * @param headers that are patched
 * @param added headers that the source does not have
 */
record PatchedSources(Path overlay, List<String> compiled, Set<String> headers, Set<String> added) {
  private static final int ACCEPTED_FUZZ = 2;

  PatchedSources {
    compiled = ImmutableList.copyOf(compiled);
    headers = ImmutableSet.copyOf(headers);
    added = ImmutableSet.copyOf(added);
  }

  /**
   * Applies a diff.
   *
   * @param overlay an empty directory
   * @throws RefusedException {@code PatchDoesNotApply}, {@code UnsupportedChange} or {@code
   *     NothingChanged}
   */
  static PatchedSources apply(
      SourceDiff diff,
      KernelTree tree,
      Path overlay,
      HostCommands commands,
      BuildListener listener) {
    Application application = new Application(tree, overlay, commands, listener);
    for (FileChange change : diff.files()) {
      application.take(change);
    }
    return application.finish();
  }

  private static final class Application {
    private final KernelTree tree;
    private final Path overlay;
    private final HostCommands commands;
    private final BuildListener listener;
    private final Map<String, List<FileChange>> byFile = new LinkedHashMap<>();
    private final List<String> notBuilt = new ArrayList<>();

    private Application(
        KernelTree tree, Path overlay, HostCommands commands, BuildListener listener) {
      this.tree = tree;
      this.overlay = overlay;
      this.commands = commands;
      this.listener = listener;
    }

    private void take(FileChange change) {
      String path = change.path();
      if (isBeside(path)) {
        listener.note("left out " + path + ": no code of the kernel");
        return;
      }
      if (otherArchitecture(path)) {
        notBuilt.add(path + " (another architecture)");
        return;
      }
      OtherCode.refusal(path)
          .ifPresent(
              refusal -> {
                throw new RefusedException(refusal);
              });
      if (change.action() == Action.RENAME) {
        throw unsupported(path, "files cannot be renamed: change the file under its old name");
      }
      if (path.endsWith(".S")) {
        throw unsupported(path, "changes of assembly files are not supported in this version");
      }
      if (!path.endsWith(".c") && !path.endsWith(".h")) {
        throw unsupported(path, "only C files and headers can be patched live");
      }
      if (change.action() != Action.CHANGE && path.endsWith(".c")) {
        throw unsupported(
            path,
            "C files cannot be added or removed: put new functions into the file that calls them");
      }
      byFile.computeIfAbsent(path, p -> new ArrayList<>()).add(change);
    }

    private PatchedSources finish() {
      List<String> compiled = new ArrayList<>();
      Set<String> headers = new LinkedHashSet<>();
      Set<String> added = new LinkedHashSet<>();
      for (Map.Entry<String, List<FileChange>> entry : byFile.entrySet()) {
        String path = entry.getKey();
        Action action = action(entry.getValue());
        requireThere(path, action != Action.CREATE);
        if (action != Action.CHANGE) {
          requireOfItsOwn(path, action);
        }
        if (action == Action.CREATE) {
          create(path, entry.getValue());
          added.add(path);
        } else if (action == Action.DELETE) {
          listener.note("left out " + path + ": a header that goes is not missed");
        } else if (path.endsWith(".h")) {
          patch(path, entry.getValue());
          headers.add(path);
        } else {
          Optional<String> unit = compilationUnit(path);
          if (unit.isPresent()) {
            patch(path, entry.getValue());
            if (!compiled.contains(unit.get())) {
              compiled.add(unit.get());
            }
          }
        }
      }
      if (compiled.isEmpty() && headers.isEmpty()) {
        String why =
            notBuilt.isEmpty()
                ? "it touches no C file"
                : "not compiled for " + tree.release() + ": " + String.join("; ", notBuilt);
        throw new RefusedException(new ChangeRefusal.NothingChanged(why));
      }
      notBuilt.forEach(what -> listener.note("left out " + what));
      // Last: what is open has links to the source, and nothing may be written through these.
      PatchedTree patched = new PatchedTree(tree.source(), overlay);
      added.forEach(path -> patched.open(directory(path)));
      return new PatchedSources(overlay, compiled, headers, added);
    }

    private static Action action(List<FileChange> changes) {
      Action action = changes.get(0).action();
      if (action != Action.CHANGE && changes.size() > 1) {
        throw unsupported(changes.get(0).path(), "it is added or removed, and changed as well");
      }
      return action;
    }

    private void requireThere(String path, boolean wanted) {
      if (Files.isRegularFile(tree.source().resolve(path)) != wanted) {
        String what = wanted ? "there is no such file in " : "there is such a file already in ";
        throw new RefusedException(
            new InputRefusal.PatchDoesNotApply(path, what + tree.sourcePackage()));
      }
    }

    /**
     * Files that are not patched must not find another header because of one that comes or goes.
     */
    private void requireOfItsOwn(String path, Action action) {
      Optional<String> other =
          IncludeOrders.of(tree.objects(listener), tree.source())
              .behind(
                  path,
                  file ->
                      Files.exists(tree.source().resolve(file))
                          || Files.exists(tree.output().resolve(file)));
      if (other.isPresent()) {
        throw unsupported(
            path, "who includes it and who includes " + other.get() + " cannot be told apart");
      }
      Optional<String> including = siblingWith(path, sibling -> !byFile.containsKey(sibling));
      if (action == Action.CREATE && including.isPresent()) {
        throw unsupported(path, including.get() + " includes another header of this name so far");
      }
    }

    private void create(String path, List<FileChange> changes) {
      Path file = overlay.resolve(path);
      FileTrees.writeText(file, "");
      CommandOutcome outcome = patchOnce(file, changes.get(0), 0);
      if (!outcome.succeeded()) {
        throw new RefusedException(
            new InputRefusal.PatchDoesNotApply(path, firstComplaint(outcome)));
      }
    }

    private Optional<String> compilationUnit(String path) {
      Placement placement = tree.placement(path);
      if (placement instanceof Placement.BuiltIn || placement instanceof Placement.Module) {
        return Optional.of(path);
      }
      if (placement instanceof Placement.Elsewhere other) {
        return compilationUnit(other.file());
      }
      if (placement instanceof Placement.Modules several) {
        throw unsupported(
            path,
            "several modules have a copy of it ("
                + String.join(", ", several.names())
                + "), and one object can be patched in one of them only");
      }
      Optional<String> includer = includer(path);
      if (includer.isEmpty() && placement instanceof Placement.NotBuilt reason) {
        notBuilt.add(path + " (" + reason.why() + ")");
      }
      return includer;
    }

    /** The compiled C file of the same directory that includes {@code path}. */
    private Optional<String> includer(String path) {
      return siblingWith(
          path,
          sibling ->
              sibling.endsWith(".c")
                  && (tree.placement(sibling) instanceof Placement.BuiltIn
                      || tree.placement(sibling) instanceof Placement.Module));
    }

    /** A file of the same directory that includes {@code path} by its name alone. */
    private Optional<String> siblingWith(String path, Predicate<String> wanted) {
      Path file = tree.source().resolve(path);
      String include = "#include \"" + file.getFileName() + "\"";
      if (!Files.isDirectory(FileTrees.parent(file))) {
        return Optional.empty();
      }
      try (Stream<Path> siblings = Files.list(FileTrees.parent(file))) {
        return siblings
            .filter(sibling -> sibling.toString().matches(".*\\.[ch]"))
            .filter(sibling -> FileTrees.readText(sibling).contains(include))
            .map(sibling -> tree.source().relativize(sibling).toString())
            .filter(wanted)
            .findFirst();
      } catch (IOException e) {
        throw new BuildFailedException("cannot list the directory of " + file, e);
      }
    }

    private void patch(String path, List<FileChange> changes) {
      Path original = tree.source().resolve(path);
      Path patched = overlay.resolve(path);
      String complaint = "";
      for (int fuzz = 0; fuzz <= ACCEPTED_FUZZ && allAnchored(changes, fuzz); fuzz++) {
        FileTrees.writeText(patched, FileTrees.readText(original));
        Optional<CommandOutcome> failure = Optional.empty();
        for (FileChange change : changes) {
          CommandOutcome outcome = patchOnce(patched, change, fuzz);
          if (!outcome.succeeded()) {
            failure = Optional.of(outcome);
            break;
          }
        }
        if (failure.isEmpty()) {
          if (fuzz > 0) {
            listener.note(path + ": applied with fuzz " + fuzz + ", check what it does");
          }
          keepLineNumbers(original, patched);
          return;
        }
        complaint = firstComplaint(failure.get());
      }
      throw new RefusedException(
          new InputRefusal.PatchDoesNotApply(
              path, "to the source of " + tree.release() + ": " + complaint));
    }

    /** Fuzz must not leave so little of a hunk that it would fit anywhere. */
    private static boolean allAnchored(List<FileChange> changes, int fuzz) {
      return fuzz == 0 || changes.stream().allMatch(change -> change.findsItsPlaceWithFuzz(fuzz));
    }

    private CommandOutcome patchOnce(Path patched, FileChange change, int fuzz) {
      Path diff = overlay.resolve(".diff");
      FileTrees.writeText(diff, change.unified());
      return commands.run(
          Command.of(
              "patch",
              "--batch",
              "--forward",
              "--no-backup-if-mismatch",
              "--reject-file=-",
              "--fuzz=" + fuzz,
              "--input=" + diff,
              patched.toString()));
    }

    private static String firstComplaint(CommandOutcome outcome) {
      return outcome
          .output()
          .lines()
          .filter(line -> !line.startsWith("patching file"))
          .findFirst()
          .orElse(outcome.tail(1));
    }

    private void keepLineNumbers(Path original, Path patched) {
      String before = FileTrees.readText(original);
      String after = FileTrees.readText(patched);
      List<LineHunk> runs = new DiffTool(commands).runs(before, after);
      FileTrees.writeText(patched, LineMarkers.insert(after, runs));
    }

    private static String directory(String path) {
      return path.substring(0, path.lastIndexOf('/'));
    }

    private static boolean isBeside(String path) {
      return path.startsWith("Documentation/")
          || path.startsWith("tools/")
          || path.startsWith("samples/")
          || path.startsWith("LICENSES/")
          || path.endsWith(".rst")
          || path.endsWith(".txt")
          || path.equals("MAINTAINERS")
          || path.equals("CREDITS");
    }

    private static boolean otherArchitecture(String path) {
      return path.startsWith("arch/") && !path.startsWith("arch/x86/");
    }

    private static RefusedException unsupported(String path, String why) {
      return new RefusedException(new ChangeRefusal.UnsupportedChange(path, why));
    }
  }
}
