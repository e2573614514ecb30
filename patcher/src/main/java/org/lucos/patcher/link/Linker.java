package org.lucos.patcher.link;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.PatchVariant.Part;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.build.ReferenceObject;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.TextComparison.Difference;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Links a patch against the running kernel. Reads the guest, writes nothing. */
public final class Linker {
  /**
   * Static call trampolines: the kernel rewrites all of them ({@code arch_static_call_transform}).
   */
  private static final String TRAMPOLINES = ".static_call.text";

  private static final int ATTEMPTS = 5;
  private static final Duration TEXT_POKE = Duration.ofMillis(5);

  private final PatchObject patch;
  private final RunningCode running;
  private final Map<String, MatchedObject> matched = new HashMap<>();
  private final Map<String, List<LiveChange>> changes = new HashMap<>();

  private Linker(PatchObject patch, RunningCode running) {
    this.patch = patch;
    this.running = running;
  }

  /**
   * Finds everything the patch needs and checks that the kernel runs what the patch was built
   * against.
   *
   * @throws RefusedException {@code WrongKernel}, {@code ModuleNotLoaded}, {@code TextMismatch} or
   *     {@code SymbolNotResolved}
   */
  public static LinkedPatch link(PatchObject patch, RunningKernel kernel) {
    return link(patch, RunningCode.of(kernel));
  }

  /**
   * The same where functions may be redirected by patches of ours already: what was under their
   * jumps is taken for the functions' own code, and compared like the rest of it.
   *
   * @param own those bytes by the place of the jump, if they are on record
   */
  public static LinkedPatch link(
      PatchObject patch, RunningKernel kernel, Function<GuestVirtualAddress, Optional<Bytes>> own) {
    return link(patch, RunningCode.of(kernel, own));
  }

  static LinkedPatch link(PatchObject patch, RunningCode running) {
    return new Linker(patch, running).run();
  }

  private LinkedPatch run() {
    PatchVariant variant = patch.variant();
    checkKernel(variant);
    for (ReferenceObject original : patch.originals()) {
      match(original);
    }
    List<LinkedFunction> functions = new ArrayList<>();
    for (TargetFunction target : variant.functions()) {
      functions.add(function(target));
    }
    SymbolResolver resolver = new SymbolResolver(running::home, matched);
    Map<String, GuestVirtualAddress> symbols = new LinkedHashMap<>();
    variant
        .references()
        .forEach(reference -> symbols.put(reference.symbol(), resolver.resolve(reference)));
    ElfObject image =
        ElfObject.parse("image of patch " + patch.description().name(), patch.image());
    return new LinkedPatch(
        running.identity(),
        patch.description(),
        variant,
        image,
        modules(variant),
        functions,
        symbols,
        RuntimeConstants.resolve(image, matched.values(), running.symbols(), running.memory()));
  }

  private List<TargetModule> modules(PatchVariant variant) {
    return variant.modules().stream()
        .flatMap(name -> running.home(Optional.of(name)).module().stream())
        .toList();
  }

  private void checkKernel(PatchVariant variant) {
    String release = running.identity().release();
    String buildId = running.identity().buildId();
    if (!variant.release().equals(release)
        || !variant.buildId().map(buildId::equals).orElse(true)) {
      throw new RefusedException(
          new FitRefusal.WrongKernel(
              release + " (build-id " + buildId + ")",
              variant.release()
                  + variant.buildId().map(id -> " (build-id " + id + ")").orElse("")));
    }
  }

  private void match(ReferenceObject original) {
    String name = original.object();
    ObjectImage object = new ObjectImage(name, ElfObject.parse(name, original.elf()));
    MatchedObject found =
        new RunPreMatch(object, running.home(original.module()), running.memory()).match();
    matched.put(name, found);
    TextComparison comparison = new TextComparison(found, running.memory(), running.callThunk());
    for (ElfSection section : object.sections()) {
      if (isRunning(found, section)) {
        for (ElfSymbol function : object.functions(section.index()).values()) {
          compare(comparison, found, function);
        }
      } else {
        patch
            .variant()
            .origin()
            .otherCompiler()
            .ifPresent(compiler -> requireNoCode(object, section, compiler));
      }
    }
  }

  /** What another compiler made is proven by comparing all of it; code of the boot is gone. */
  private static void requireNoCode(ObjectImage object, ElfSection section, String compiler) {
    boolean gone = section.name().startsWith(".init") || section.name().startsWith(".exit");
    if (section.isCode() && !gone && !section.name().equals(TRAMPOLINES)) {
      for (ElfSymbol function : object.functions(section.index()).values()) {
        throw new RefusedException(
            new FitRefusal.TextMismatch(
                function.name(),
                0,
                "not found in running code, and nothing else proves that what was built is what "
                    + compiler
                    + " made"));
      }
    }
  }

  private boolean isRunning(MatchedObject object, ElfSection section) {
    OptionalLong base = object.base(section.index());
    return section.isCode()
        && !section.name().equals(TRAMPOLINES)
        && base.isPresent()
        && object.home().contains(base.getAsLong());
  }

  /** Compares one function; the kernel may be rewriting a place right now, so looks again. */
  private void compare(TextComparison comparison, MatchedObject object, ElfSymbol function) {
    Optional<Difference> difference = Optional.empty();
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      List<LiveChange> known = changesIn(object, function);
      changes.put(object.object().name() + ":" + function.name(), known);
      difference = comparison.compare(function, known);
      if (difference.isEmpty()) {
        return;
      }
      if (!difference.get().passing()) {
        break;
      }
      LockSupport.parkNanos(attempt * TEXT_POKE.toNanos());
    }
    throw new RefusedException(
        new FitRefusal.TextMismatch(
            difference.get().function(), difference.get().offset(), difference.get().detail()));
  }

  private List<LiveChange> changesIn(MatchedObject object, ElfSymbol function) {
    OptionalLong base = object.base(function.section());
    if (base.isEmpty()) {
      return List.of();
    }
    GuestVirtualAddress start = new GuestVirtualAddress(base.getAsLong() + function.value());
    AddressRange range = new AddressRange(start, function.size());
    List<LiveChange> found = new ArrayList<>(running.changes().probes(range));
    redirect(object, function, start).ifPresent(found::add);
    return found;
  }

  /** The jump that a patch of ours has put behind the tracing slot, if there is one. */
  private Optional<LiveChange> redirect(
      MatchedObject object, ElfSymbol function, GuestVirtualAddress start) {
    long offset = EntryCode.of(object, function).end();
    if (offset + 5 > function.size()) {
      return Optional.empty();
    }
    GuestVirtualAddress site = start.plus(offset);
    Instruction there = Decoder.decode(running.memory().bytes(site, 5), 0, site.value());
    if (there.kind() != Instruction.Kind.JUMP || there.length() != 5) {
      return Optional.empty();
    }
    GuestVirtualAddress target = new GuestVirtualAddress(there.target().orElseThrow());
    String module = running.changes().patchModule(target);
    return module.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new LiveChange(site, 5, LiveChange.Kind.REDIRECT, module, running.changes().own(site)));
  }

  private LinkedFunction function(TargetFunction target) {
    if (!target.runPreMatched()) {
      return new UnmatchedFunction(target, running).find();
    }
    MatchedObject object = matched.get(target.object());
    if (object == null) {
      throw unresolved(target.name(), "the bundle has no original of " + target.object());
    }
    ElfSymbol symbol = definition(object, target.name(), target.size());
    AddressRange code = range(object, symbol);
    checkName(object, target, code.start());
    List<AddressRange> parts = new ArrayList<>();
    List<LiveChange> known = new ArrayList<>(changesOf(object, symbol));
    for (Part part : target.parts()) {
      ElfSymbol partSymbol = definition(object, part.name(), part.size());
      parts.add(range(object, partSymbol));
      known.addAll(changesOf(object, partSymbol));
    }
    EntryCode entry = EntryCode.of(object, symbol);
    List<Rewrite> rewrites =
        object.rewrites().overlapping(symbol.section(), symbol.value(), symbol.size()).stream()
            .map(
                each ->
                    new Rewrite(
                        each.section(),
                        each.offset() - symbol.value(),
                        each.length(),
                        each.kind(),
                        each.target()))
            .toList();
    return new LinkedFunction(
        target,
        code,
        parts,
        entry.tracingSlot(),
        entry.end(),
        rewrites,
        References.into(object.object(), symbol),
        known);
  }

  private List<LiveChange> changesOf(MatchedObject object, ElfSymbol symbol) {
    return changes.getOrDefault(object.object().name() + ":" + symbol.name(), List.of());
  }

  private static ElfSymbol definition(MatchedObject object, String name, long size) {
    ElfSymbol symbol =
        object
            .object()
            .definition(name)
            .orElseThrow(
                () ->
                    unresolved(
                        name, object.object().name() + " does not have exactly one of that name"));
    if (symbol.size() != size) {
      throw unresolved(
          name, "it has " + symbol.size() + " bytes in the original, " + size + " in the manifest");
    }
    return symbol;
  }

  private AddressRange range(MatchedObject object, ElfSymbol symbol) {
    ElfSection section = object.object().section(symbol.section());
    if (!isRunning(object, section)) {
      throw unresolved(
          symbol.name(),
          section.name() + " of " + object.object().name() + " was not found in running code");
    }
    return new AddressRange(
        new GuestVirtualAddress(object.base(section.index()).orElseThrow() + symbol.value()),
        symbol.size());
  }

  /** The kernel's own symbol table must know the function at the address that was found. */
  private static void checkName(
      MatchedObject object, TargetFunction target, GuestVirtualAddress address) {
    List<KernelSymbol> named = object.home().symbols().own(target.name());
    int position = 1;
    for (KernelSymbol symbol : named) {
      if (symbol.address().equals(address)) {
        if (target.sympos().isPresent() && target.sympos().get() != position) {
          throw unresolved(
              target.name(),
              "it is number " + position + " of that name, not " + target.sympos().get());
        }
        return;
      }
      position++;
    }
    throw unresolved(target.name(), "no symbol of that name at " + address);
  }

  private static RefusedException unresolved(String symbol, String detail) {
    return new RefusedException(new FitRefusal.SymbolNotResolved(symbol, detail));
  }
}
