package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.build.KernelPackages.KernelPackageSet;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Kernel trees ready to compile single files as the kernel's own build did, one a release, kept in
 * the cache. The source is shared by all flavours of a version; each flavour has its own output
 * directory ({@code O=}), about 25 MB.
 */
public final class KernelTrees {
  private static final String FACTS = "tree.json";
  private static final String PATCHES = "patches";

  private final PackageIndex index;
  private final KernelPackages packages;
  private final SourceStore sources;
  private final PatchedSourceStore patched;
  private final HostCommands commands;
  private final Path cache;
  private final boolean anyCompiler;

  /**
   * @param index where packages come from
   * @param commands runs make, the compiler and the rest
   * @param cache where trees are kept; needs about 1.5 GB for a source version
   */
  public KernelTrees(PackageIndex index, HostCommands commands, Path cache) {
    this.anyCompiler = false;
    this.index = index;
    this.packages = new KernelPackages(index);
    this.sources = new SourceStore(index, commands, cache.toAbsolutePath());
    this.patched = new PatchedSourceStore(sources, commands, cache.toAbsolutePath());
    this.commands = commands;
    this.cache = cache.toAbsolutePath();
  }

  private KernelTrees(KernelTrees other, Path cache, boolean anyCompiler) {
    this.anyCompiler = anyCompiler;
    this.index = other.index;
    this.packages = other.packages;
    this.sources = other.sources;
    this.patched = other.patched;
    this.commands = other.commands;
    this.cache = cache.toAbsolutePath();
  }

  /** Trees made with this host's apt and compiler. */
  public static KernelTrees onThisHost(Path cache) {
    HostCommands commands = new ProcessCommands();
    return new KernelTrees(new AptPackageIndex(commands, cache), commands, cache);
  }

  /** Trees for this host's {@code gcc}, whatever a kernel was built with; kept apart. */
  public KernelTrees withAnyCompiler() {
    return new KernelTrees(this, cache, true);
  }

  /** With the same packages and sources; trees and compiled objects are kept in another cache. */
  public KernelTrees keptIn(Path other) {
    return new KernelTrees(this, other, anyCompiler);
  }

  /** The sources behind the trees. */
  public SourceStore sources() {
    return sources;
  }

  /** The packages behind the trees. */
  public KernelPackages packages() {
    return packages;
  }

  /**
   * The tree of a release; prepares it at first, which takes about a minute.
   *
   * @param release as {@code uname -r} prints it
   * @throws RefusedException {@code KernelPackageNotFound} or {@code HostNotReady}
   */
  public KernelTree prepare(String release, BuildListener listener) {
    Path root = cache.resolve("trees").resolve(checkedName(release) + variant());
    Path facts = root.resolve(FACTS);
    if (!Files.exists(facts)) {
      KernelPackageSet set = packages.find(release, listener);
      CacheLock.holding(
          cache,
          "tree-" + root.getFileName(),
          listener,
          () -> {
            if (!Files.exists(facts)) {
              FileTrees.delete(root);
              make(root, set, listener).write(facts);
            }
            return facts;
          });
    }
    return open(root, TreeFacts.read(facts), listener);
  }

  private String variant() {
    if (!anyCompiler) {
      return "";
    }
    byte[] compiler = KernelCompiler.ofHost(commands).text().getBytes(StandardCharsets.UTF_8);
    return "+gcc-" + Bytes.of(compiler).sha256().substring(0, 8);
  }

  private Path source(KernelPackageSet set, Optional<String> patches, BuildListener listener) {
    return patches
        .map(name -> patched.unpacked(set.source(), name, listener))
        .orElseGet(() -> sources.unpacked(set.source(), listener));
  }

  private static String checkedName(String release) {
    KernelPackages.sourceName(release); // refuses what is no release, "../x" for one
    return release;
  }

  private KernelTree open(Path root, TreeFacts facts, BuildListener listener) {
    if (!anyCompiler) {
      facts.compiler().check(commands); // the host's may be another since the tree was made
    }
    Path marker = root.resolve(PATCHES);
    Optional<String> patches =
        Files.exists(marker) ? Optional.of(FileTrees.readText(marker)) : Optional.empty();
    Path source = source(facts.packages(), patches, listener);
    List<String> variables = variables(facts.packages().release(), facts.compiler());
    return new KernelTree(root, source, facts, commands, variables, cache, Clock.systemUTC());
  }

  private TreeFacts make(Path root, KernelPackageSet set, BuildListener listener) {
    Path image = index.fetch(set.image(), listener);
    Path headers = index.fetch(set.headers(), listener);
    FileTrees.directories(root);
    Optional<String> patches = patched.patchesOf(headers);
    patches.ifPresent(name -> FileTrees.writeText(root.resolve(PATCHES), name));
    Path source = source(set, patches, listener);
    Path boot = takeFromDeb(image, root, "./boot/config-" + set.release());
    KernelConfig wanted = KernelConfig.parse(FileTrees.readText(boot));
    KernelCompiler compiler =
        anyCompiler ? KernelCompiler.ofHost(commands) : KernelCompiler.of(wanted);
    if (!anyCompiler) {
      compiler.check(commands);
    }
    Path output = FileTrees.directories(root.resolve(KernelTree.OUTPUT));
    configure(source, output, boot, wanted, set, compiler, listener);
    listener.step("preparing the kernel tree of " + set.release());
    make(source, output, set, compiler, "modules_prepare", listener);
    String symvers = "./usr/src/linux-headers-" + set.release() + "/Module.symvers";
    move(takeFromDeb(headers, root, symvers), output.resolve("Module.symvers"));
    listener.step("reading the build-id of " + set.release());
    String id = buildId(root, image, set);
    return new TreeFacts(set, compiler, id);
  }

  private void configure(
      Path source,
      Path output,
      Path boot,
      KernelConfig wanted,
      KernelPackageSet set,
      KernelCompiler compiler,
      BuildListener listener) {
    // Only the keys for signing are Debian's own; none of this is compiled into objects.
    String overrides =
        """

        CONFIG_SYSTEM_TRUSTED_KEYS=""
        CONFIG_SYSTEM_REVOCATION_KEYS=""
        # CONFIG_MODULE_SIG_ALL is not set
        """;
    FileTrees.writeText(output.resolve(".config"), FileTrees.readText(boot) + overrides);
    listener.step("configuring " + set.release());
    make(source, output, set, compiler, "olddefconfig", listener);
    KernelConfig got = KernelConfig.parse(FileTrees.readText(output.resolve(".config")));
    Optional<String> lost = wanted.firstLost(got, anyCompiler);
    if (lost.isPresent()) {
      throw new RefusedException(
          new HostRefusal.HostNotReady(
              "a tool the kernel was built with: the kernel has "
                  + lost.get()
                  + ", this host's tree has not",
              anyCompiler
                  ? "'" + compiler.text() + "' cannot do that: install the kernel's own compiler"
                  : "install the build tools: ./lucos doctor lists the Debian packages"));
    }
  }

  /** Assignments for every make of this tree. */
  private static List<String> variables(String release, KernelCompiler compiler) {
    return List.of(
        "ARCH=x86",
        "CC=" + compiler.program(),
        "HOSTCC=" + compiler.program(),
        // A Rust compiler of this host must not turn on options the kernel does not have.
        "RUSTC=false",
        "KERNELRELEASE=" + release,
        // Debug information changes no code; leaving it out makes objects small and fast to make.
        "KCFLAGS=-g0");
  }

  private void make(
      Path source,
      Path output,
      KernelPackageSet set,
      KernelCompiler compiler,
      String goal,
      BuildListener listener) {
    List<String> argv = new ArrayList<>(List.of("nice", "make", "-s", "-j2"));
    argv.addAll(List.of("-C", source.toString(), "O=" + output));
    argv.addAll(variables(set.release(), compiler));
    argv.add(goal);
    CommandOutcome outcome =
        Watched.run(goal, () -> commands.run(Command.of(argv)), () -> listener.progress(0, 0));
    if (!outcome.succeeded()) {
      Path log = output.resolveSibling("make-" + goal + ".log");
      FileTrees.writeText(log, outcome.output() + outcome.errors());
      throw new RefusedException(
          new HostRefusal.HostNotReady(
              "what 'make " + goal + "' of " + set.source() + " needs: " + outcome.tail(4),
              "see " + log + "; ./lucos doctor lists the Debian packages"));
    }
  }

  private String buildId(Path root, Path image, KernelPackageSet set) {
    Path vmlinuz = takeFromDeb(image, root, "./boot/vmlinuz-" + set.release());
    Path vmlinux = root.resolve("vmlinux");
    BzImage.extract(vmlinuz.toString(), FileTrees.read(vmlinuz), root, vmlinux, commands);
    String id = BuildId.of(vmlinux.toString(), FileTrees.read(vmlinux));
    FileTrees.delete(vmlinuz);
    FileTrees.delete(vmlinux);
    return id;
  }

  private Path takeFromDeb(Path deb, Path into, String member) {
    Path file = into.resolve(member.substring(member.lastIndexOf('/') + 1));
    CommandOutcome outcome =
        commands.pipe(
            List.of(
                Command.of("dpkg-deb", "--fsys-tarfile", deb.toString()),
                Command.of("tar", "-xO", member).to(file)));
    if (!outcome.succeeded()) {
      throw new BuildFailedException(
          "cannot take " + member + " out of " + deb + ": " + outcome.tail(2));
    }
    return file;
  }

  private static void move(Path from, Path to) {
    try {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new BuildFailedException("cannot move " + from + " to " + to, e);
    }
  }
}
