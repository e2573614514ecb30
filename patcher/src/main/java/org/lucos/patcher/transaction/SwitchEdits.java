package org.lucos.patcher.transaction;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.plan.GuestHooks;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * What one switch changes: some patches leave, and others come, perhaps in their place. Where
 * several jumps come and go at one site, only what is there in the end is written.
 */
final class SwitchEdits {
  /** What {@code module.refcnt} holds while nobody uses the module (MODULE_REF_BASE). */
  private static final int UNUSED = 1;

  private final RunningKernel kernel;
  private final boolean keeping;
  private final List<TextEdit> fixed;
  private final List<NamedRange> busy = new ArrayList<>();
  private final Map<GuestVirtualAddress, Count> references = new LinkedHashMap<>();
  private final List<Consumer<GuestHooks>> questions = new ArrayList<>();

  /** How many references to a module more, or less. */
  private record Count(ModuleHold hold, int change) {}

  /**
   * @param leaving patches to take out, each before those that it lies on
   * @param coming patches to put in, each before those that lie on it
   * @param immediate whether tasks may stay inside what is replaced, if the ledger says so too
   * @throws RefusedException with {@link StateRefusal.TextChanged} if a site holds what it should
   *     not, {@link StateRefusal.ModuleNotLoaded}
   */
  SwitchEdits(
      RunningKernel kernel, List<GuestPatch> leaving, List<GuestPatch> coming, boolean immediate) {
    this(kernel, leaving, coming, immediate, false);
  }

  private SwitchEdits(
      RunningKernel kernel,
      List<GuestPatch> leaving,
      List<GuestPatch> coming,
      boolean immediate,
      boolean keeping) {
    this.kernel = kernel;
    this.keeping = keeping;
    List<TextEdit> steps = new ArrayList<>();
    leaving.forEach(patch -> leave(patch, steps));
    Set<String> gone =
        leaving.stream().map(patch -> patch.module().name()).collect(Collectors.toSet());
    coming.forEach(patch -> come(patch, gone, immediate && patch.ledger().immediate(), steps));
    this.fixed = inOneStep(steps);
  }

  /** Only takes the jumps away: whoever is inside of the patches ends there, so all of it stays. */
  static SwitchEdits keeping(RunningKernel kernel, List<GuestPatch> leaving) {
    return new SwitchEdits(kernel, leaving, List.of(), false, true);
  }

  /** Whether there is nothing to change. */
  boolean isEmpty() {
    return fixed.isEmpty();
  }

  /** Code that nobody may be inside of when it is done. */
  List<NamedRange> busy() {
    return List.copyOf(busy);
  }

  /**
   * All edits, with references to modules as they are counted now; to be asked for in a pause.
   *
   * @throws RefusedException {@code SiteProbed}, {@code FunctionLivepatched}
   */
  List<TextEdit> now() {
    GuestHooks hooks = GuestHooks.of(kernel);
    questions.forEach(question -> question.accept(hooks));
    List<TextEdit> all = new ArrayList<>(fixed);
    references
        .values()
        .forEach(count -> count.hold().changedBy(count.change()).ifPresent(all::add));
    return all;
  }

  private void leave(GuestPatch patch, List<TextEdit> steps) {
    for (GuestPatch.Site site : patch.sites()) {
      switch (site.state()) {
        case REDIRECTED, COVERED -> {
          TextEdit back = standing(site).redirect().reversed();
          steps.add(back);
          questions.add(hooks -> requireFree(hooks, site, back));
          if (keeping) {
            busy.add(jump(site));
          }
        }
        case FOREIGN -> throw foreign(site, "foreign bytes at " + site.redirect().at());
        case ORIGINAL, GONE -> {
          // put back already, or no longer that function's
        }
      }
    }
    int held = patch.module().references();
    if (keeping) {
      steps.add(references(patch.module(), UNUSED + held, UNUSED + held + GuestPatch.KEPT));
      return;
    }
    int rest = patch.isKept() ? held - GuestPatch.KEPT : held;
    boolean goes = rest == 1 && patch.ledger().escapes().isEmpty();
    if (goes) {
      patch.heldModules().forEach(module -> count(module, -1));
    }
    if (goes || rest < held) {
      steps.add(references(patch.module(), UNUSED + held, UNUSED + (goes ? 0 : rest)));
    }
    patch
        .module()
        .part(LoadedModule.Kind.TEXT)
        .ifPresent(range -> busy.add(new NamedRange(patch.module().name(), range)));
    if (patch.ledger().immediate()) {
      busy.addAll(patch.oldCode());
    }
  }

  /** A jump that lay on another patch's is not put back to where that patch was. */
  private static GuestPatch.Site standing(GuestPatch.Site site) {
    if (site.hasLostGround()) {
      throw foreign(site, "module " + site.target().over() + ", on which it stood, is gone");
    }
    return site;
  }

  private static RefusedException foreign(GuestPatch.Site site, String detail) {
    return new RefusedException(new StateRefusal.TextChanged(site.target().function(), detail));
  }

  private void come(GuestPatch patch, Set<String> gone, boolean immediate, List<TextEdit> steps) {
    patch.requireModules();
    int held = patch.module().references();
    if (held == 0) {
      steps.add(references(patch.module(), UNUSED, UNUSED + 1));
      patch.modules().values().forEach(module -> count(module, 1));
    } else if (patch.isKept()) {
      steps.add(references(patch.module(), UNUSED + held, UNUSED + held - GuestPatch.KEPT));
    }
    for (GuestPatch.Site site : patch.sites()) {
      String function = site.target().function();
      if (immediate) {
        busy.add(jump(site));
      } else {
        site.target().code().forEach(code -> busy.add(new NamedRange(function, code.range())));
        site.stack().layers().stream()
            .filter(layer -> !gone.contains(layer.module()))
            .forEach(layer -> busy.addAll(layer.code()));
      }
      steps.add(site.redirect());
      questions.add(
          hooks -> {
            hooks.requireNoProbe(function, site.redirect());
            hooks.requireReached(function, code(site));
          });
    }
  }

  private static NamedRange jump(GuestPatch.Site site) {
    return new NamedRange(
        site.target().function(), new AddressRange(site.redirect().at(), TextEdit.REDIRECT_SIZE));
  }

  private void requireFree(GuestHooks hooks, GuestPatch.Site site, TextEdit back) {
    String function = site.target().function();
    hooks.requireNoProbe(function, back);
    if (Arrays.equals(back.replacement(), site.target().ownBytes())) {
      hooks.requireProbesFit(
          function,
          code(site),
          range -> kernel.memory().bytes(range.start(), (int) range.size()),
          back);
    }
  }

  /** The part of a function that has the site. */
  private static AddressRange code(GuestPatch.Site site) {
    return site.target().code().stream()
        .map(Ledger.Code::range)
        .filter(range -> range.contains(site.redirect().at()))
        .findFirst()
        .orElseGet(() -> new AddressRange(site.redirect().at(), TextEdit.REDIRECT_SIZE));
  }

  private void count(LoadedModule module, int change) {
    Count before = references.get(module.struct());
    references.put(
        module.struct(),
        before == null
            ? new Count(new ModuleHold(kernel, module), change)
            : new Count(before.hold(), before.change() + change));
  }

  private TextEdit references(LoadedModule module, int before, int after) {
    GuestVirtualAddress counter =
        module.struct().plus(kernel.types().struct("module").field("refcnt.counter").offset());
    return new TextEdit(counter, ModuleHold.word(before), ModuleHold.word(after));
  }

  /**
   * The edits that do in one step what these do one after another.
   *
   * @throws RefusedException with {@link StateRefusal.TextChanged} if one does not expect what the
   *     one before it at the same place leaves
   */
  static List<TextEdit> inOneStep(List<TextEdit> steps) {
    Map<GuestVirtualAddress, TextEdit> result = new LinkedHashMap<>();
    for (TextEdit step : steps) {
      TextEdit before = result.get(step.at());
      if (before != null && !Arrays.equals(before.replacement(), step.expected())) {
        throw new RefusedException(
            new StateRefusal.TextChanged(
                step.at().toString(),
                "a patch was made to lie on "
                    + Bytes.of(step.expected()).toHex()
                    + ", not on "
                    + Bytes.of(before.replacement()).toHex()));
      }
      result.put(
          step.at(),
          before == null ? step : new TextEdit(step.at(), before.expected(), step.replacement()));
    }
    return result.values().stream()
        .filter(edit -> !Arrays.equals(edit.expected(), edit.replacement()))
        .toList();
  }
}
