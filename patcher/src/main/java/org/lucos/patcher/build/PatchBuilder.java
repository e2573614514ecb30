package org.lucos.patcher.build;

import com.google.common.collect.ImmutableSet;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.lucos.patcher.build.PatchAssembler.TargetKernel;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * From a diff to a patch object: prepares the kernel tree, applies the diff beside it, compiles the
 * touched files before and after, and takes out what changed. Needs no guest. Several builders may
 * share a cache.
 */
public final class PatchBuilder {
  /** How many objects may be compiled because of headers, unless said otherwise. */
  public static final int DEFAULT_MAX_OBJECTS = 300;

  private static final int HASH_DIGITS = 8;

  private final KernelTrees trees;
  private final HostCommands commands;
  private final Path cache;
  private final Clock clock;
  private final String toolVersion;
  private final Options options;

  /**
   * What may be asked of a builder.
   *
   * @param headers a folder with headers that patched files find, such as {@code lucos.h}
   * @param keep whether the directory of a build that succeeds is kept
   * @param maxObjects how many objects may be compiled because of headers
   * @param modules the modules whose code a changed header may change; all if absent
   */
  record Options(
      Optional<Path> headers, boolean keep, int maxObjects, Optional<Set<String>> modules) {
    Options {
      modules = modules.map(ImmutableSet::copyOf);
    }
  }

  /**
   * @param trees gives prepared kernel trees
   * @param commands runs the compiler and {@code patch}
   * @param cache build directories are made under it
   * @param clock what the build's log is timed by
   * @param toolVersion what to call this program in manifests
   */
  public PatchBuilder(
      KernelTrees trees, HostCommands commands, Path cache, Clock clock, String toolVersion) {
    this(
        trees,
        commands,
        cache,
        clock,
        toolVersion,
        new Options(Optional.empty(), false, DEFAULT_MAX_OBJECTS, Optional.empty()));
  }

  private PatchBuilder(
      KernelTrees trees,
      HostCommands commands,
      Path cache,
      Clock clock,
      String toolVersion,
      Options options) {
    this.trees = trees;
    this.commands = commands;
    this.cache = cache.toAbsolutePath();
    this.clock = clock;
    this.toolVersion = toolVersion;
    this.options = options;
  }

  private PatchBuilder with(Options other) {
    return new PatchBuilder(trees, commands, cache, clock, toolVersion, other);
  }

  /** The same builder; patched files find the headers of {@code folder}, {@code lucos.h} there. */
  public PatchBuilder including(Path folder) {
    return with(
        new Options(Optional.of(folder), options.keep(), options.maxObjects(), options.modules()));
  }

  /** The same builder; it keeps the directories of builds that succeed, if {@code keep}. */
  public PatchBuilder keeping(boolean keep) {
    return with(new Options(options.headers(), keep, options.maxObjects(), options.modules()));
  }

  /** The same builder; it compiles no more than {@code objects} because of headers. */
  public PatchBuilder limitedTo(int objects) {
    return with(new Options(options.headers(), options.keep(), objects, options.modules()));
  }

  /**
   * The same builder; a changed header changes code of vmlinux and of these modules only. For a
   * patch that shall not wait for modules that are never loaded.
   */
  public PatchBuilder changingOnly(Set<String> modules) {
    return with(
        new Options(options.headers(), options.keep(), options.maxObjects(), Optional.of(modules)));
  }

  /** A builder with this host's apt, compiler and clock. */
  public static PatchBuilder onThisHost(Path cache, String toolVersion) {
    return new PatchBuilder(
        KernelTrees.onThisHost(cache),
        new ProcessCommands(),
        cache,
        Clock.systemUTC(),
        toolVersion);
  }

  /** The same builder; it uses this host's compiler, whatever a kernel was built with. */
  public PatchBuilder withAnyCompiler() {
    return new PatchBuilder(trees.withAnyCompiler(), commands, cache, clock, toolVersion, options);
  }

  /** Where the trees come from. */
  public KernelTrees trees() {
    return trees;
  }

  /**
   * Builds a patch, in a directory of its own with a directory a step. The directory is kept when
   * the build fails, and the listener told where. A build that was stopped goes on when it is
   * started again: what was compiled is in the cache.
   *
   * @throws RefusedException {@code PatchDoesNotApply}, {@code CompileFailed}, {@code
   *     NothingChanged}, {@code UnsupportedChange}, {@code TooManyObjects}, {@code
   *     KernelPackageNotFound} or {@code HostNotReady}
   * @throws BuildFailedException for what nobody foresaw
   */
  public PatchObject build(BuildRequest request, BuildListener listener) {
    SourceDiff diff = SourceDiff.parse(request.diffName(), request.diff());
    KernelTree tree = trees.prepare(request.release(), listener);
    Path directory = directory(request.name(), request.release(), request.diff());
    return inside(
        directory,
        listener,
        log ->
            new BuildSteps(request, diff, tree, directory, commands, options, log)
                .run(toolVersion));
  }

  /** In a fresh directory that no other build has. */
  private PatchObject inside(
      Path directory, BuildListener listener, Function<BuildLog, PatchObject> work) {
    return CacheLock.holding(
        cache,
        "build-" + directory.getFileName(),
        listener,
        () -> {
          FileTrees.delete(directory);
          FileTrees.directories(directory);
          BuildLog log = new BuildLog(directory.resolve("build.log"), clock, listener);
          return logged(directory, log, () -> work.apply(log));
        });
  }

  private PatchObject logged(Path directory, BuildLog log, Supplier<PatchObject> work) {
    try {
      PatchObject built = work.get();
      if (options.keep()) {
        log.note("the build is kept in " + directory);
      } else {
        FileTrees.delete(directory);
      }
      return built;
    } catch (RefusedException e) {
      log.failed(e.refusal().message());
      throw withLog(e, directory);
    } catch (RuntimeException e) {
      log.failed(e.toString());
      throw e;
    }
  }

  /**
   * Builds a patch of a hand-written livepatch. The build's directory is kept when it fails.
   *
   * @throws RefusedException {@code CompileFailed}, {@code UnsupportedChange}, {@code
   *     KernelPackageNotFound} or {@code HostNotReady}
   */
  public PatchObject build(LivepatchRequest request, BuildListener listener) {
    KernelTree tree = trees.prepare(request.release(), listener);
    Path directory = directory(request.name(), request.release(), request.toString());
    return inside(
        directory,
        listener,
        log -> {
          options.headers().ifPresent(folder -> FileTrees.copyHeaders(folder, directory));
          return new LivepatchBuilder(tree, commands, directory, log)
              .build(
                  request,
                  new PatchDescription(
                      request.name(),
                      request.description(),
                      request.fixes(),
                      SourceDate.of(System.getenv(), ""),
                      toolVersion),
                  target(tree))
              .from(
                  origin(
                      String.valueOf(request.file().getFileName()),
                      FileTrees.readText(request.file()),
                      List.of(),
                      List.of(),
                      tree));
        });
  }

  private static TargetKernel target(KernelTree tree) {
    return new TargetKernel(tree.release(), Optional.of(tree.buildId()), tree.compiler());
  }

  static PatchVariant.Origin origin(
      String name, String text, List<String> affected, List<String> leftOut, KernelTree tree) {
    return new PatchVariant.Origin(
        name,
        Bytes.of(text.getBytes(StandardCharsets.ISO_8859_1)).sha256(),
        affected,
        tree.otherCompiler(),
        leftOut);
  }

  /** The same input has the same directory. */
  private Path directory(String name, String release, String input) {
    String slug = name.replaceAll("[^A-Za-z0-9._-]+", "-");
    String hash = Bytes.of(input.getBytes(StandardCharsets.ISO_8859_1)).sha256();
    return FileTrees.directories(cache.resolve("builds"))
        .resolve(slug + "-" + release + "-" + hash.substring(0, HASH_DIGITS));
  }

  /** Compiler errors name the log: there is more in it than fits a sentence. */
  private static RefusedException withLog(RefusedException e, Path directory) {
    if (e.refusal() instanceof InputRefusal.CompileFailed failed) {
      String detail = failed.detail() + " (the build is kept in " + directory + ")";
      return new RefusedException(new InputRefusal.CompileFailed(failed.file(), detail), e);
    }
    return e;
  }
}
