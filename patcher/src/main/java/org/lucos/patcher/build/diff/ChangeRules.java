package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ListMultimap;
import com.google.common.collect.MultimapBuilder;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** What a source change may not do to a running kernel. */
final class ChangeRules {
  private static final ImmutableMap<String, String> FROZEN_NAMES =
      ImmutableMap.<String, String>builder()
          .put("__param", "kernel parameters")
          .put("__modver", "kernel parameters")
          .put(".init.setup", "kernel parameters")
          .put(".initcall", "initcalls")
          .put(".con_initcall", "initcalls")
          .put("__syscalls_metadata", "system call metadata")
          .put("__tracepoint", "tracepoints")
          .put("_ftrace_event", "tracepoints")
          .put("__bpf_raw_tp", "tracepoints")
          .put(".static_call", "static calls")
          .put(".BTF_ids", "BTF ids")
          .build();

  private static final String REBOOT = "plan a reboot into the fixed kernel";
  private static final String HAS_RUN =
      "do in a callback what it would have done, or leave it out of the diff and " + REBOOT;
  private static final String NOT_REDIRECTED = "change what calls it instead, or " + REBOOT;
  private static final String DATA_STAYS =
      "set data in a callback, keep new state in a shadow variable, or " + REBOOT;
  private static final String NO_ROOM =
      "use a shadow variable, or memory a callback allocates (alloc_percpu), or " + REBOOT;
  private static final String TABLES_STAY = "leave that out of the diff, or " + REBOOT;
  private static final String NO_KEY = "test a plain variable instead (READ_ONCE), or " + REBOOT;

  private final String object;
  private final ObjectModel original;
  private final ObjectModel patched;
  private final Correlation correlation;
  private final Comparison comparison;

  ChangeRules(
      String object,
      ObjectModel original,
      ObjectModel patched,
      Correlation correlation,
      Comparison comparison) {
    this.object = object;
    this.original = original;
    this.patched = patched;
    this.correlation = correlation;
    this.comparison = comparison;
  }

  /** Throws {@link RefusedException} for the first rule that is broken. */
  void check(Changes changes) {
    changes.changed().forEach(this::checkPlacement);
    changes.carried().forEach(this::checkPlacement);
    changes.added().forEach(this::checkPlacement);
    checkVariables();
    checkFrozenSections(changes);
    changes.changed().forEach(this::checkReplaceable);
    for (Piece function : patched.pieces()) {
      if (changes.includes(function)) {
        checkSymbols(function);
        checkKeys(function);
      }
    }
  }

  private void checkPlacement(Piece function) {
    SectionRole before = correlation.originalOf(function).map(Piece::role).orElse(function.role());
    if (function.role() == SectionRole.INIT_TEXT || before == SectionRole.INIT_TEXT) {
      throw refused(function, boot(function.section().name()), HAS_RUN);
    }
    if (function.role() == SectionRole.FIXED_TEXT || before == SectionRole.FIXED_TEXT) {
      throw refused(
          function,
          "it may not be traced (section " + function.section().name() + ")",
          NOT_REDIRECTED);
    }
  }

  private static String boot(String section) {
    return section.contains("exit")
        ? "it runs when its module is unloaded (section "
            + section
            + "): the kernel does not keep it in vmlinux, and it may not be traced in a module"
        : section.startsWith(".mem")
            ? "it runs at boot, and when memory is added, and may not be traced (section "
                + section
                + ")"
            : "it runs at boot (section " + section + ") and never again";
  }

  private void checkReplaceable(Piece function) {
    Piece before = correlation.originalOf(function).orElseThrow();
    checkSymbols(before);
    if (!original.hasTracingSlot(before) && !Changes.isCold(function)) {
      throw refused(
          function,
          "it does not begin with a call of __fentry__ (notrace or assembly)",
          NOT_REDIRECTED);
    }
  }

  private void checkSymbols(Piece function) {
    for (ElfSymbol symbol : function.symbols()) {
      if (symbol.binding() == SymbolBinding.WEAK) {
        throw refused(function, "it is weak: another file may define it", NOT_REDIRECTED);
      }
      if (symbol.type() == SymbolType.IFUNC) {
        throw refused(function, "it is chosen at boot (indirect function)", NOT_REDIRECTED);
      }
    }
    if (patched.isEntangled(function)) {
      throw refused(
          function,
          "a short jump leads from it to another function of section " + function.section().name());
    }
  }

  private void checkVariables() {
    for (Piece after : patched.pieces()) {
      if (after.symbols().stream().anyMatch(s -> s.type() == SymbolType.TLS)) {
        throw refused(after, "it is thread-local");
      }
      if (after.kind() != Piece.Kind.VARIABLE || after.role() == SectionRole.FROZEN) {
        continue;
      }
      Optional<Piece> before = correlation.originalOf(after);
      if (before.isEmpty()) {
        if (after.role() == SectionRole.PER_CPU) {
          throw refused(
              after, "a new per-CPU variable has no place in the running kernel", NO_ROOM);
        }
      } else {
        checkVariable(before.get(), after);
      }
    }
  }

  private void checkVariable(Piece before, Piece after) {
    if (Names.isBookkeeping(after.name())) {
      return;
    }
    if (placement(before.section()) != placement(after.section())
        || before.role() != after.role()) {
      throw refused(
          after,
          "it moves from section "
              + before.section().name()
              + " to "
              + after.section().name()
              + "; the running kernel has it where it is",
          DATA_STAYS);
    }
    if (before.size() != after.size()) {
      throw refused(
          after, "its size changes from " + before.size() + " to " + after.size(), DATA_STAYS);
    }
    if (!comparison.isSame(before, after)) {
      throw refused(
          after, "its initial value changes; the running kernel has long set it", DATA_STAYS);
    }
  }

  private static long placement(ElfSection section) {
    return section.flags() & (ElfFormat.SHF_WRITE | ElfFormat.SHF_EXECINSTR | ElfFormat.SHF_TLS);
  }

  private void checkFrozenSections(Changes changes) {
    ListMultimap<String, Piece> before = frozen(original);
    ListMultimap<String, Piece> after = frozen(patched);
    TreeSet<String> names = new TreeSet<>(before.keySet());
    names.addAll(after.keySet());
    for (String name : names) {
      after.get(name).forEach(piece -> checkPlaces(piece, changes));
      List<Piece> now =
          after.get(name).stream().filter(piece -> !Exports.isNew(piece, correlation)).toList();
      if (!comparison.isSameSection(before.get(name), now)) {
        throw new RefusedException(
            new ChangeRefusal.UnsupportedChange(
                frozen(name) + " of " + object,
                "section " + name + " changes, which the kernel reads at boot only",
                TABLES_STAY));
      }
    }
  }

  private static String frozen(String section) {
    return Exports.isSection(section)
        ? Exports.WHAT
        : FROZEN_NAMES.entrySet().stream()
            .filter(e -> section.startsWith(e.getKey()))
            .map(Map.Entry::getValue)
            .findFirst()
            .orElse("section " + section);
  }

  /** A table nobody told us of may say how the kernel rewrites code: the copy would be missed. */
  private void checkPlaces(Piece table, Changes changes) {
    for (Reference reference : patched.references(table)) {
      if (reference.target() instanceof Target.Inside inside
          && changes.includes(inside.piece())
          && inside.offset() != inside.piece().entry()) {
        throw refused(
            inside.piece(),
            "section "
                + table.section().name()
                + " says something about its code that cannot be carried over");
      }
    }
  }

  private static ListMultimap<String, Piece> frozen(ObjectModel model) {
    ListMultimap<String, Piece> found = MultimapBuilder.treeKeys().arrayListValues().build();
    for (Piece piece : model.pieces()) {
      if (piece.role() == SectionRole.FROZEN) {
        found.put(piece.section().name(), piece);
      }
    }
    return found;
  }

  private void checkKeys(Piece function) {
    for (TableEntry entry : patched.entries(function)) {
      List<Reference> references = entry.references();
      if (entry.format() == TableFormat.JUMP_LABELS || entry.format() == TableFormat.STATIC_CALLS) {
        Target key = references.get(references.size() - 1).target();
        if (key instanceof Target.Inside inside
            && correlation.originalOf(inside.piece()).isEmpty()
            && !Names.isBookkeeping(inside.piece().name())) {
          throw refused(
              inside.piece(),
              entry.format() == TableFormat.JUMP_LABELS
                  ? "it is a static key that the patch defines"
                  : "it is a static call that the patch defines",
              NO_KEY);
        }
      }
    }
  }

  private RefusedException refused(Piece piece, String detail) {
    return refused(object, piece, detail);
  }

  private RefusedException refused(Piece piece, String detail, String remedy) {
    return new RefusedException(
        new ChangeRefusal.UnsupportedChange(subject(object, piece), detail, remedy));
  }

  static RefusedException refused(String object, Piece piece, String detail) {
    return new RefusedException(
        new ChangeRefusal.UnsupportedChange(subject(object, piece), detail));
  }

  private static String subject(String object, Piece piece) {
    String what =
        switch (piece.kind()) {
          case FUNCTION -> "function '";
          case VARIABLE -> "variable '";
          case CONSTANT, CHUNK, UNNAMED -> "'";
        };
    return what + piece.name() + "' of " + object;
  }
}
