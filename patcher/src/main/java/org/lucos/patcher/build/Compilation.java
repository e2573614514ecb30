package org.lucos.patcher.build;

import com.google.common.collect.ImmutableSortedMap;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lucos.patcher.build.PatchAssembler.CompiledFile;
import org.lucos.patcher.build.diff.Extraction;
import org.lucos.patcher.bytes.Bytes;

/** Compiles the files of a patch as they were and as they are patched. */
final class Compilation {
  private final KernelTree tree;
  private final Path overlay;
  private final Path objects;
  private final BuildListener listener;

  /**
   * @param overlay holds the patched files
   * @param objects patched objects are written there
   */
  Compilation(KernelTree tree, Path overlay, Path objects, BuildListener listener) {
    this.tree = tree;
    this.overlay = overlay;
    this.objects = objects;
    this.listener = listener;
  }

  /** The forms a file is compiled in. */
  private enum Form {
    PATCHED,
    ORIGINAL,
    PLAIN
  }

  private record Job(String file, Form form) {}

  /** Compiles; the files may be in any directory. */
  List<CompiledFile> of(List<String> files) {
    Map<Job, Bytes> compiled = compile(files, Map.of(), Form.values());
    return files.stream().map(file -> compiledFile(file, true, compiled)).toList();
  }

  /**
   * Compiles files that include a changed header; those whose code stays the same are left out.
   *
   * @param digests of the files' patched texts
   */
  List<CompiledFile> changedOf(ImmutableSortedMap<String, String> digests) {
    List<String> files = digests.keySet().asList();
    Map<Job, Bytes> compiled = compile(files, digests, Form.PATCHED, Form.ORIGINAL);
    listener.step("comparing " + files.size() + " objects");
    List<Extraction> extractions =
        Parallel.map(files, listener, file -> compareUser(file, compiled));
    List<String> changed = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      Extraction extraction = extractions.get(i);
      if (!extraction.isEmpty()) {
        changed.add(files.get(i));
      } else if (!extraction.leftOut().isEmpty()) {
        listener.note(files.get(i) + ": left as it is: " + String.join(", ", extraction.leftOut()));
      }
    }
    compiled.putAll(compile(changed, Map.of(), Form.PLAIN));
    return changed.stream().map(file -> compiledFile(file, false, compiled)).toList();
  }

  private static Extraction compareUser(String file, Map<Job, Bytes> compiled) {
    return CompiledFile.compare(
        object(file),
        false,
        bytes(compiled, file, Form.ORIGINAL),
        bytes(compiled, file, Form.PATCHED));
  }

  private Map<Job, Bytes> compile(List<String> files, Map<String, String> digests, Form... forms) {
    PatchedTree patched = new PatchedTree(tree.source(), overlay);
    Set<String> directories = new HashSet<>();
    files.forEach(file -> directories.add(file.substring(0, file.lastIndexOf('/'))));
    directories.forEach(patched::open);
    List<Job> jobs = new ArrayList<>();
    // The patched files first: their errors are what a user waits for.
    for (Form form : forms) {
      files.forEach(file -> jobs.add(new Job(file, form)));
    }
    Map<Job, Bytes> compiled = new HashMap<>();
    if (jobs.isEmpty()) {
      return compiled;
    }
    String what = files.size() == 1 ? files.get(0) : files.size() + " files";
    listener.step("compiling " + what);
    tree.objects(listener);
    List<Bytes> results = Parallel.map(jobs, listener, job -> run(job, digests));
    for (int i = 0; i < jobs.size(); i++) {
      compiled.put(jobs.get(i), results.get(i));
    }
    return compiled;
  }

  private Bytes run(Job job, Map<String, String> digests) {
    return Bytes.of(
        switch (job.form()) {
          case PATCHED -> patched(job.file(), Optional.ofNullable(digests.get(job.file())));
          case ORIGINAL -> tree.compile(job.file(), Flavour.SECTIONS, BuildListener.SILENT);
          case PLAIN -> tree.compile(job.file(), Flavour.PLAIN, BuildListener.SILENT);
        });
  }

  private byte[] patched(String file, Optional<String> known) {
    Flavour flavour = Flavour.SECTIONS;
    BuildListener silent = BuildListener.SILENT;
    byte[] object =
        known
            .map(digest -> tree.compilePatched(file, digest, overlay, objects, flavour, silent))
            .orElseGet(() -> tree.compilePatched(file, overlay, objects, flavour, silent));
    FileTrees.writeAtomically(objects.resolve(object(file)).normalize(), object);
    return object;
  }

  private CompiledFile compiledFile(String file, boolean edited, Map<Job, Bytes> compiled) {
    return new CompiledFile(
        object(file),
        tree.module(file),
        edited,
        bytes(compiled, file, Form.PLAIN),
        bytes(compiled, file, Form.ORIGINAL),
        bytes(compiled, file, Form.PATCHED));
  }

  private static Bytes bytes(Map<Job, Bytes> compiled, String file, Form form) {
    Bytes found = compiled.get(new Job(file, form));
    if (found == null) {
      throw new IllegalStateException("not compiled: " + file + " " + form);
    }
    return found;
  }

  private static String object(String file) {
    return file.substring(0, file.length() - 2) + ".o";
  }
}
