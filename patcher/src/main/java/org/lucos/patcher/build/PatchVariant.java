package org.lucos.patcher.build;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.google.common.collect.ImmutableList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A patch for one kernel.
 *
 * @param release as {@code uname -r} prints it
 * @param buildId of that kernel in lower-case hex, where the build knew it
 * @param compiler first line of {@code gcc --version}
 * @param moduleName of the module the guest will list
 * @param functions replaced ones
 * @param newFunctions added ones
 * @param references every undefined symbol of the image
 * @param escapes what the running kernel may hold on to after a revert
 * @param image digest of the relocatable image
 * @param originals digests of the compiled originals, one a C file
 * @param callbacks functions of the patch that run around a switch, in the order of their objects
 * @param origin what it was made of
 */
public record PatchVariant(
    String release,
    Optional<String> buildId,
    String compiler,
    String moduleName,
    List<TargetFunction> functions,
    List<NewFunction> newFunctions,
    List<SymbolReference> references,
    List<Escape> escapes,
    EntryDigest image,
    List<OriginalEntry> originals,
    @JsonSetter(nulls = Nulls.AS_EMPTY) List<Callback> callbacks,
    Origin origin) {
  private static final Pattern MODULE_NAME = Pattern.compile("[a-z0-9_]{1,55}");
  private static final Pattern TARGET_MODULE = Pattern.compile("[A-Za-z0-9_.]{1,55}");
  private static final Pattern BUILD_ID = Pattern.compile("(?:[0-9a-f]{2}){8,32}");

  public PatchVariant {
    if (release.isBlank()) {
      throw new IllegalArgumentException("a variant needs a kernel release");
    }
    // struct module holds 56 bytes (MODULE_NAME_LEN), one of them the NUL
    if (!MODULE_NAME.matcher(moduleName).matches()) {
      throw new IllegalArgumentException("no module name: '" + moduleName + "'");
    }
    if (buildId.isPresent() && !BUILD_ID.matcher(buildId.get()).matches()) {
      throw new IllegalArgumentException("no build-id: '" + buildId.get() + "'");
    }
    functions = ImmutableList.copyOf(functions);
    newFunctions = ImmutableList.copyOf(newFunctions);
    references = ImmutableList.copyOf(references);
    escapes = ImmutableList.copyOf(escapes);
    originals = ImmutableList.copyOf(originals);
    callbacks = ImmutableList.copyOf(callbacks);
  }

  /** A variant of which nobody says what it was made of. */
  public PatchVariant(
      String release,
      Optional<String> buildId,
      String compiler,
      String moduleName,
      List<TargetFunction> functions,
      List<NewFunction> newFunctions,
      List<SymbolReference> references,
      List<Escape> escapes,
      EntryDigest image,
      List<OriginalEntry> originals,
      List<Callback> callbacks) {
    this(
        release,
        buildId,
        compiler,
        moduleName,
        functions,
        newFunctions,
        references,
        escapes,
        image,
        originals,
        callbacks,
        Origin.UNKNOWN);
  }

  /** The same, made of this. */
  public PatchVariant from(Origin known) {
    return new PatchVariant(
        release,
        buildId,
        compiler,
        moduleName,
        functions,
        newFunctions,
        references,
        escapes,
        image,
        originals,
        callbacks,
        known);
  }

  /** A variant without callbacks. */
  public PatchVariant(
      String release,
      Optional<String> buildId,
      String compiler,
      String moduleName,
      List<TargetFunction> functions,
      List<NewFunction> newFunctions,
      List<SymbolReference> references,
      List<Escape> escapes,
      EntryDigest image,
      List<OriginalEntry> originals) {
    this(
        release,
        buildId,
        compiler,
        moduleName,
        functions,
        newFunctions,
        references,
        escapes,
        image,
        originals,
        List.of());
  }

  /**
   * What a variant was made of.
   *
   * @param diff name of the diff
   * @param diffSha256 digest of the diff, lower-case hex
   * @param affected of the replaced functions those whose own source the diff leaves alone: they
   *     have something inlined, or use a macro or type, that it changes
   * @param otherCompiler the kernel's own compiler, if another was used: run-pre match must then
   *     prove that it makes the same code
   * @param leftOut what of the diff has no effect, such as {@code export of tcp_ack
   *     (net/ipv4/tcp_input.o)}
   */
  public record Origin(
      String diff,
      String diffSha256,
      List<String> affected,
      Optional<String> otherCompiler,
      @JsonSetter(nulls = Nulls.AS_EMPTY) List<String> leftOut) {
    static final Origin UNKNOWN = new Origin("", "", List.of(), Optional.empty(), List.of());

    public Origin {
      affected = ImmutableList.copyOf(affected);
      leftOut = ImmutableList.copyOf(leftOut);
    }

    static Origin leavingOut(List<String> leftOut) {
      return new Origin("", "", List.of(), Optional.empty(), leftOut);
    }
  }

  /**
   * A function of the running kernel that is replaced.
   *
   * @param name in the kernel's symbol table
   * @param object of which C file, such as {@code net/ipv4/tcp_input.o}
   * @param sympos which of several symbols of that name counted from 1 in address order, where
   *     known; else run-pre matching tells
   * @param local whether only its own C file sees it
   * @param size bytes of the original; 0 where that is not known, as for some hand-written
   *     livepatches
   * @param sha256 of the original's bytes in the plain compiled object, relocated fields zeroed
   * @param replacement local symbol of the new function in the image
   * @param parts more code of the original, elsewhere: a task in there is inside the function too
   * @param replacementParts symbols of the same of the new function, in the image
   */
  public record TargetFunction(
      String name,
      String object,
      Optional<Integer> sympos,
      boolean local,
      long size,
      String sha256,
      String replacement,
      List<Part> parts,
      List<String> replacementParts) {
    public TargetFunction {
      parts = ImmutableList.copyOf(parts);
      replacementParts = ImmutableList.copyOf(replacementParts);
    }

    /** A function of vmlinux whose source is not known: only its name and position tell it. */
    static TargetFunction unmatched(
        String name,
        String object,
        Optional<Integer> sympos,
        String replacement,
        List<String> replacementParts) {
      return new TargetFunction(
          name, object, sympos, false, 0, "", replacement, List.of(), replacementParts);
    }

    /** The same at a position among the symbols of its name. */
    TargetFunction at(Optional<Integer> position) {
      return new TargetFunction(
          name, object, position, local, size, sha256, replacement, parts, replacementParts);
    }

    /** Whether the bundle has its original, so that running text can be compared with it. */
    public boolean runPreMatched() {
      return size > 0;
    }
  }

  /**
   * Code that belongs to a function: what the compiler split off it, such as {@code name.cold}, or
   * a function that cannot be redirected and has a new copy for its callers.
   *
   * @param name in the original's symbol table
   * @param size bytes
   */
  public record Part(String name, long size) {}

  /**
   * A function the kernel does not have, or has where it cannot be redirected: callers of the
   * latter are replaced, and call this copy.
   *
   * @param name in the source
   * @param object of which C file
   * @param symbol in the image
   * @param size bytes
   */
  public record NewFunction(String name, String object, String symbol, long size) {}

  /** When a callback runs. Names and meaning: Linux livepatch, {@code struct klp_callbacks}. */
  public enum CallbackKind {
    /** Before the switch; may veto it. */
    PRE_PATCH(1),
    POST_PATCH(2),
    /** Before the switch back. */
    PRE_UNPATCH(3),
    POST_UNPATCH(4);

    private final int number;

    CallbackKind(int number) {
      this.number = number;
    }

    /** Its number in {@code lucos.h}. */
    public int number() {
      return number;
    }

    /** The kind with a number in {@code lucos.h}. */
    public static Optional<CallbackKind> of(int number) {
      return Arrays.stream(values()).filter(kind -> kind.number == number).findFirst();
    }

    /** As livepatch spells it, such as {@code pre_patch}. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A function of the patch that runs in the guest before or after a switch.
   *
   * @param kind when
   * @param function its name in the source
   * @param object of which C file
   * @param run symbol in the image of what calls it, as {@code int run(struct module *)}
   * @param slot symbol in the image of the {@code struct lucos_callback} that tells how far it got
   */
  public record Callback(
      CallbackKind kind, String function, String object, String run, String slot) {}

  /**
   * An undefined symbol of the image and where the kernel has it.
   *
   * @param symbol in the image: the kernel's name; {@code OBJECT:NAME} for what the patched C file
   *     defines itself; {@code MODULE:NAME} for what code of a module leaves open
   * @param kernelName as in kallsyms
   * @param object the C file that defines it, where it is a patched one
   * @param kind what it names
   * @param local whether only that C file sees it, so that the name may not be unique
   * @param originalSymbol its name in the plain compiled original, where that defines it
   * @param module the module whose code refers to it and so whose symbols come first; absent for
   *     vmlinux
   */
  public record SymbolReference(
      String symbol,
      String kernelName,
      Optional<String> object,
      Kind kind,
      boolean local,
      Optional<String> originalSymbol,
      Optional<String> module) {}

  /** What a symbol names. */
  public enum Kind {
    FUNCTION,
    OBJECT,
    /** An offset from a CPU's base. */
    PER_CPU,
    /** The object file does not say, as for everything undefined. */
    UNKNOWN
  }

  /**
   * Something of the image whose address may be stored in memory that outlives a revert.
   *
   * @param symbol in the image
   * @param detail how its address gets out
   */
  public record Escape(String symbol, String detail) {}

  /**
   * A file in the bundle.
   *
   * @param path in the bundle
   * @param size bytes
   * @param sha256 lower-case hex
   */
  public record EntryDigest(String path, long size, String sha256) {}

  /**
   * A compiled original in the bundle.
   *
   * @param object which C file's
   * @param module the module it is part of, as the kernel lists it; absent for vmlinux
   * @param entry where
   */
  public record OriginalEntry(String object, Optional<String> module, EntryDigest entry) {
    public OriginalEntry {
      if (module.isPresent() && !TARGET_MODULE.matcher(module.get()).matches()) {
        throw new IllegalArgumentException("no module name: '" + module.get() + "'");
      }
    }
  }

  /** The modules whose code it changes, by name; without vmlinux. */
  public List<String> modules() {
    return originals.stream().flatMap(o -> o.module().stream()).distinct().sorted().toList();
  }

  /** The module that has a C file's object; absent for vmlinux. */
  public Optional<String> moduleOf(String object) {
    return originals.stream()
        .filter(original -> original.object().equals(object))
        .findFirst()
        .flatMap(OriginalEntry::module);
  }
}
