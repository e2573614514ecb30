package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.lucos.patcher.build.source.IncludeGraph;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * A prepared kernel tree of one release. The source and the output directory are shared and never
 * hold anything patched; original objects are kept, patched ones are made in a directory of the
 * caller's. Safe for several builds at once.
 */
public final class KernelTree {
  static final String OUTPUT = "output";
  private static final String OBJECTS = "objects-2.txt.gz";
  private static final int ERROR_LINES = 12;

  private final Path root;
  private final Path source;
  private final Path output;
  private final TreeFacts facts;
  private final HostCommands commands;
  private final List<String> variables;
  private final Path cache;
  private final Kbuild kbuild;
  private final KernelMake make;
  private final ObjectCache objects;
  private Optional<KernelObjects> known = Optional.empty();

  KernelTree(
      Path root,
      Path source,
      TreeFacts facts,
      HostCommands commands,
      List<String> variables,
      Path cache,
      Clock clock) {
    this.root = root;
    this.source = source;
    this.output = root.resolve(OUTPUT);
    this.facts = facts;
    this.commands = commands;
    this.variables = variables;
    this.cache = cache;
    this.kbuild = new Kbuild(commands, source, output, variables);
    this.make = new KernelMake(commands, source, output, variables);
    this.objects = new ObjectCache(cache.resolve("objects"), clock);
  }

  /** The kernel's release. */
  public String release() {
    return facts.packages().release();
  }

  /** The kernel's GNU build-id, lower-case hex. */
  public String buildId() {
    return facts.buildId();
  }

  /** The compiler that files are compiled with: the first line of its {@code --version}. */
  public String compiler() {
    return facts.compiler().text();
  }

  /** The compiler the kernel was built with, if it is another than {@link #compiler()}. */
  public Optional<String> otherCompiler() {
    String config = FileTrees.readText(root.resolve("config-" + release()));
    KernelCompiler own = KernelCompiler.of(KernelConfig.parse(config));
    return own.version().equals(facts.compiler().version())
        ? Optional.empty()
        : Optional.of(own.text());
  }

  /** The source package. */
  public PackageVersion sourcePackage() {
    return facts.packages().source();
  }

  /** Root of the unpatched source; not to be written. */
  public Path source() {
    return source;
  }

  /** The output directory: configuration, generated headers; not to be written. */
  public Path output() {
    return output;
  }

  /** The kernel's exported symbols with their CRCs. */
  public Path moduleSymvers() {
    return output.resolve("Module.symvers");
  }

  /** The kernel's make in this tree. */
  KernelMake make() {
    return make;
  }

  /** Where the object of a C file, such as {@code fs/readdir.c}, goes under this configuration. */
  public Placement placement(String cFile) {
    return kbuild.placement(cFile);
  }

  /** The module that a C file is part of under this configuration; absent for vmlinux. */
  public Optional<String> module(String cFile) {
    return placement(cFile) instanceof Placement.Module module
        ? Optional.of(module.name())
        : Optional.empty();
  }

  /** The original of a C file compiled; cached. */
  public byte[] compile(String cFile, Flavour flavour, BuildListener listener) {
    Path object = objectFile(cFile, "." + flavour.label() + ".o");
    if (!Files.exists(object)) {
      CompileLine line = compileLine(cFile, listener);
      listener.step("compiling " + cFile + " (" + flavour.label() + ")");
      Path directory = FileTrees.parent(object);
      FileTrees.writeAtomically(
          object,
          withGenerated(cFile, listener, () -> compile(cFile, line, flavour, directory, d -> {})));
    }
    return FileTrees.read(object);
  }

  /**
   * A patched C file compiled; taken from the cache if the same was compiled before.
   *
   * @param overlay a directory that holds the patched files under their paths in the source; links
   *     to the others are made there
   * @param work a directory for what is made on the way; kept by the caller
   * @throws RefusedException {@code CompileFailed} with the compiler's messages
   */
  public byte[] compilePatched(
      String cFile, Path overlay, Path work, Flavour flavour, BuildListener listener) {
    String text = preprocessPatched(cFile, overlay, work, listener);
    return compilePatched(cFile, ObjectCache.digest(text), overlay, work, flavour, listener);
  }

  /** The same of a file that has been preprocessed before: to a text of this digest. */
  byte[] compilePatched(
      String cFile,
      String digest,
      Path overlay,
      Path work,
      Flavour flavour,
      BuildListener listener) {
    Path copy = overlay.toAbsolutePath();
    PatchedTree patched = new PatchedTree(source, copy);
    patched.open(directory(cFile));
    CompileLine line = compileLine(cFile, listener);
    String key = key(cFile, line, flavour, digest);
    Optional<byte[]> known = objects.get(key);
    if (known.isPresent()) {
      return known.get();
    }
    CompileLine there = line.in(source, copy);
    listener.step("compiling patched " + cFile + " (" + flavour.label() + ")");
    Path directory = FileTrees.directories(work.toAbsolutePath());
    byte[] object =
        in(
            copy,
            cFile,
            listener,
            () -> compile(cFile, there, flavour, directory, patched::requireSeen));
    objects.put(key, object);
    return object;
  }

  /** The original of a source file preprocessed, without line markers; cached. */
  String preprocess(String file, BuildListener listener) {
    Path kept = root.resolve("objects").resolve(file + ".i.gz").normalize();
    if (!Files.exists(kept)) {
      CompileLine line = compileLine(file, listener);
      Path directory = FileTrees.directories(FileTrees.parent(kept));
      PackedText.write(
          kept, withGenerated(file, listener, () -> preprocess(file, line, directory)));
    }
    return PackedText.read(kept);
  }

  /** A patched source file preprocessed, without line markers; see {@link #compilePatched}. */
  String preprocessPatched(String file, Path overlay, Path work, BuildListener listener) {
    Path copy = overlay.toAbsolutePath();
    new PatchedTree(source, copy).open(directory(file));
    CompileLine there = compileLine(file, listener).in(source, copy);
    Path directory = FileTrees.directories(work.toAbsolutePath());
    return in(copy, file, listener, () -> preprocess(file, there, directory));
  }

  private String preprocess(String file, CompileLine line, Path directory) {
    Path text = temporary(directory, ".i");
    try {
      runOn(file, line.preprocess(text.toString(), line.source()));
      return FileTrees.readText(text);
    } finally {
      FileTrees.delete(text);
    }
  }

  /** What the object depends on; objtool is that of the source. */
  private String key(String cFile, CompileLine line, Flavour flavour, String digest) {
    List<String> words = new ArrayList<>(line.compile(flavour.flags(), "", ""));
    words.addAll(line.objtool(""));
    words.addAll(delayedObjtool(cFile, Path.of("")));
    words.add(compiler());
    words.add(otherCompiler().toString());
    words.add(sourcePackage().toString());
    return ObjectCache.key(words, digest);
  }

  /** Does it again with the files that the object's own make rule generates at first. */
  private <T> T withGenerated(String file, BuildListener listener, Supplier<T> work) {
    try {
      return work.get();
    } catch (RefusedException e) {
      boolean missing =
          e.refusal() instanceof InputRefusal.CompileFailed failed
              && failed.detail().contains("No such file or directory");
      if (!missing || Files.exists(output.resolve(objectName(file)))) {
        throw e;
      }
      listener.note(file + " needs generated files: made with Kbuild");
      CacheLock.holding(cache, "make-" + release(), listener, () -> make.object(file));
      return work.get();
    }
  }

  /** The same; compiler messages name files by their path in the source. */
  private <T> T in(Path copy, String file, BuildListener listener, Supplier<T> work) {
    try {
      return withGenerated(file, listener, work);
    } catch (RefusedException e) {
      if (e.refusal() instanceof InputRefusal.CompileFailed failed) {
        String detail = failed.detail().replace(copy + "/", "");
        throw new RefusedException(new InputRefusal.CompileFailed(file, detail), e);
      }
      throw e;
    }
  }

  private byte[] compile(
      String cFile,
      CompileLine line,
      Flavour flavour,
      Path directory,
      Consumer<Path> dependencies) {
    Path object = temporary(directory, ".o");
    Path read = object.resolveSibling(object.getFileName() + ".d");
    try {
      runOn(cFile, line.compile(flavour.flags(), object.toString(), line.source()));
      dependencies.accept(read);
      List<String> objtool = line.objtool(object.toString());
      if (objtool.isEmpty()) {
        objtool = delayedObjtool(cFile, object);
      }
      if (!objtool.isEmpty()) {
        runOn(cFile, objtool);
      }
      return FileTrees.read(object);
    } finally {
      FileTrees.delete(object);
      FileTrees.delete(read);
    }
  }

  /** The text of a source file or a generated one, by its path from the root of either. */
  String text(String file) {
    Path original = source.resolve(file);
    return FileTrees.readText(Files.isRegularFile(original) ? original : output.resolve(file));
  }

  /** The files that may be meant by an include, such as {@code <linux/fs.h>}, of a file. */
  Set<String> meant(String file, String include) {
    return Includes.scanner(source, output).meant(file, include);
  }

  /** Which file of the source includes which; finding out takes some seconds, once. */
  synchronized IncludeGraph includes(BuildListener listener) {
    Path file = root.resolve(Includes.FILE);
    if (!Files.exists(file)) {
      KernelObjects all = objects(listener);
      listener.step("reading what the files of " + release() + " include");
      Includes.write(file, source, output, all, this::text, listener);
    }
    return Includes.read(file);
  }

  /**
   * Finds out, once, what is compiled and who includes what: what builds otherwise ask for when
   * they first need it.
   */
  public void examine(BuildListener listener) {
    includes(listener);
  }

  /** Deletes what has not been used for long from the cache of patched objects. */
  void tidy() {
    objects.prune();
  }

  private static Path temporary(Path directory, String suffix) {
    try {
      return Files.createTempFile(directory, "compile-", suffix);
    } catch (IOException e) {
      throw new BuildFailedException("cannot compile in " + directory, e);
    }
  }

  private static String directory(String file) {
    return file.substring(0, Math.max(0, file.lastIndexOf('/')));
  }

  static String objectName(String file) {
    return file.substring(0, file.length() - 2) + ".o";
  }

  /** Every object of this configuration; finding out takes some seconds, once. */
  synchronized KernelObjects objects(BuildListener listener) {
    if (known.isEmpty()) {
      Path file = root.resolve(OBJECTS);
      if (!Files.exists(file)) {
        CacheLock.holding(
            cache,
            "make-" + release(),
            listener,
            () -> {
              if (!Files.exists(file)) {
                listener.step("asking Kbuild what " + release() + " is compiled of");
                KbuildWalk walk = new KbuildWalk(commands, source, output, variables);
                PackedText.write(file, walk.walk(listener));
              }
              return file;
            });
      }
      known = Optional.of(KernelObjects.parse(file.toString(), PackedText.read(file)));
    }
    return known.get();
  }

  /**
   * objtool's command for kernels that run it on linked objects only (vmlinux.o, modules of several
   * objects): there a single object still has unprocessed jump labels, returns and static calls,
   * and no ORC table. The same arguments make the same changes to it alone.
   */
  private List<String> delayedObjtool(String cFile, Path object) {
    KernelObjects all = objects(BuildListener.SILENT);
    if (all.delayedObjtool().isEmpty()) {
      return List.of();
    }
    List<String> command = new ArrayList<>();
    command.add(output.resolve("tools/objtool/objtool").toString());
    command.addAll(all.delayedObjtool());
    command.add("--link");
    boolean vmlinux =
        all.of(cFile).filter(o -> o.placement() instanceof Placement.BuiltIn).isPresent();
    if (!vmlinux) {
      command.add("--module");
    }
    command.add(object.toString());
    return command;
  }

  private void runOn(String cFile, List<String> argv) {
    CommandOutcome outcome = commands.run(Command.of(argv).in(output));
    if (!outcome.succeeded()) {
      throw new RefusedException(
          new InputRefusal.CompileFailed(cFile, outcome.errorLines(ERROR_LINES)));
    }
  }

  /** How Kbuild compiles the file. */
  private CompileLine compileLine(String cFile, BuildListener listener) {
    KernelObjects.KernelObject object =
        objects(listener)
            .of(cFile)
            .orElseThrow(() -> new BuildFailedException("Kbuild does not compile " + cFile));
    return CompileLine.parse(root.resolve(OBJECTS) + ":" + object.object(), object.command());
  }

  private Path objectFile(String cFile, String suffix) {
    String base = cFile.substring(0, cFile.length() - 2);
    Path file = root.resolve("objects").resolve(base + suffix).normalize();
    FileTrees.directories(FileTrees.parent(file));
    return file;
  }
}
