package org.lucos.patcher.build.diff;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Takes the changed and new functions out of a patched object, with all they need and the running
 * kernel does not have. Direct branches to a replaced function lead to its new code; any other
 * reference to it to the old address, so that function pointers compare equal before, during and
 * after the patch. Offsets inside a function always mean the code at hand.
 */
final class Extractor {
  private final String object;
  private final ObjectModel original;
  private final ObjectModel patched;
  private final Correlation correlation;
  private final Changes changes;
  private final OldParts oldParts;

  private final FragmentShapes shapes = new FragmentShapes();
  private final List<Fragment> fragments = new ArrayList<>();
  private final Map<Piece, Integer> pieces = new LinkedHashMap<>();
  private final Map<Target, Integer> values = new HashMap<>();
  private final Deque<Piece> pending = new ArrayDeque<>();
  private final Map<Integer, String> escaping = new LinkedHashMap<>();
  private final Map<Piece, String> declared = new HashMap<>();

  Extractor(
      String object,
      ObjectModel original,
      ObjectModel patched,
      Correlation correlation,
      Changes changes) {
    this.object = object;
    this.original = original;
    this.patched = patched;
    this.correlation = correlation;
    this.changes = changes;
    this.oldParts = new OldParts(original, correlation, changes);
  }

  Extraction extract() {
    return extract(
        piece -> changes.includes(piece) || isNewGlobal(piece) || CallbackSlots.isSlot(piece));
  }

  /**
   * Takes functions that replace others by declaration, with what they need.
   *
   * @param declared what each replaces
   */
  Extraction extract(Map<Piece, String> declared) {
    this.declared.putAll(declared);
    return extract(piece -> declared.containsKey(piece) || CallbackSlots.isSlot(piece));
  }

  private Extraction extract(Predicate<Piece> root) {
    for (Piece piece : patched.pieces()) {
      if (root.test(piece)) {
        include(piece);
      }
    }
    boolean unwinding = false;
    while (!pending.isEmpty()) {
      Piece piece = pending.removeFirst();
      fill(piece);
      for (TableEntry entry : entries(piece)) {
        fragments.add(shapes.entry(entry, links(entry.references(), Optional.empty())));
        if (entry.format() == TableFormat.ORC) {
          fragments.add(shapes.companion(entry, orcData()));
          unwinding = true;
        }
      }
    }
    if (unwinding) {
      patched
          .object()
          .section(TableFormat.ORC_HEADER)
          .ifPresent(header -> fragments.add(shapes.merged(header, header.bytes(), 1)));
    }
    return result();
  }

  private boolean isNewGlobal(Piece piece) {
    return piece.kind() == Piece.Kind.VARIABLE
        && piece.role() == SectionRole.DATA
        && correlation.originalOf(piece).isEmpty()
        && piece.symbol().binding() == SymbolBinding.GLOBAL;
  }

  private ElfSection orcData() {
    return patched.object().section(TableFormat.ORC_DATA).orElseThrow();
  }

  /**
   * Entries about a piece. objtool leaves out an ORC entry that says the same as the one before it,
   * which may belong to a function that stays behind.
   */
  private List<TableEntry> entries(Piece piece) {
    List<TableEntry> own = new ArrayList<>(patched.entries(piece));
    Optional<TableEntry> first =
        own.stream().filter(e -> e.format() == TableFormat.ORC).findFirst();
    if (piece.isFunction() && piece.start() > 0 && first.filter(e -> e.place() == 0).isEmpty()) {
      TableEntry before = null;
      for (Piece other : patched.piecesIn(piece.section())) {
        if (other.start() < piece.start()) {
          for (TableEntry entry : patched.entries(other)) {
            before = entry.format() == TableFormat.ORC ? entry : before;
          }
        }
      }
      if (before != null) {
        Reference at = before.references().get(0);
        Reference start =
            new Reference(at.offset(), at.type(), new Target.Inside(piece, 0), at.delta(), false);
        own.add(
            new TableEntry(
                before.format(),
                before.section(),
                first.map(TableEntry::index).orElse(before.index()),
                piece,
                before.bytes(),
                List.of(start),
                before.companion()));
      }
    }
    return own;
  }

  private int include(Piece piece) {
    Integer known = pieces.get(piece);
    if (known != null) {
      return known;
    }
    int index = fragments.size();
    pieces.put(piece, index);
    fragments.add(shapes.outline(piece));
    pending.add(piece);
    return index;
  }

  /** Gives an outlined piece its content, now that all it leads to can be found. */
  private void fill(Piece piece) {
    int index = include(piece);
    Bytes bytes = piece.section().isNoBits() ? Bytes.EMPTY : patched.maskedBytes(piece);
    List<Fragment.Link> links = links(patched.references(piece), Optional.of(piece));
    fragments.set(index, shapes.piece(piece, bytes, links));
  }

  private List<Fragment.Link> links(List<Reference> references, Optional<Piece> from) {
    List<Fragment.Link> links = new ArrayList<>();
    for (Reference reference : references) {
      links.add(link(reference, from));
    }
    return links;
  }

  private Fragment.Link link(Reference reference, Optional<Piece> from) {
    long addend = reference.delta();
    Fragment.Goal goal;
    if (reference.target() instanceof Target.External external) {
      if (original.defines(external.name())) {
        throw new RefusedException(
            new ChangeRefusal.UnsupportedChange(
                "'" + external.name() + "' of " + object,
                "it is removed from this file but still used"));
      }
      goal = new Fragment.Outside(external.name());
      addend += external.offset();
    } else if (reference.target() instanceof Target.Inside inside) {
      goal = inside(inside, reference, from);
      addend += inside.offset();
      if (goal instanceof Fragment.InKernel) {
        addend -= kernels(inside.piece()).entry();
      }
    } else if (reference.target() instanceof Target.Literal literal) {
      goal = merged(literal, literal.section(), literal.text(), literal.offset());
    } else if (reference.target() instanceof Target.Constant constant) {
      goal = merged(constant, constant.section(), constant.value(), 0);
    } else if (reference.target() instanceof Target.Absolute absolute) {
      goal = new Fragment.Zero();
      addend += absolute.value();
    } else if (reference.target() instanceof Target.Nowhere nowhere) {
      throw new RefusedException(
          new ChangeRefusal.UnsupportedChange(
              nowhere.what() + " of " + object,
              "changed code refers to it, which a patch cannot carry over"));
    } else {
      throw new IllegalStateException("unknown target: " + reference.target());
    }
    return new Fragment.Link(
        reference.offset(), reference.type(), goal, addend, reference.branch());
  }

  private Fragment.Goal merged(Target target, ElfSection section, Bytes value, int offset) {
    // the section and place a literal has tell where it was found, not what it is
    Target key = target instanceof Target.Literal ? new Target.Literal(section, 0, value) : target;
    Integer index = values.get(key);
    if (index == null) {
      index = fragments.size();
      long alignment = Math.min(Math.max(1, section.alignment()), lowestBit(offset));
      fragments.add(shapes.merged(section, value, alignment));
      values.put(key, index);
    }
    return new Fragment.InImage(index);
  }

  private static long lowestBit(int offset) {
    return offset == 0 ? Long.MAX_VALUE : Integer.lowestOneBit(offset);
  }

  private Fragment.Goal inside(Target.Inside inside, Reference reference, Optional<Piece> from) {
    Piece piece = inside.piece();
    Optional<Piece> before = correlation.originalOf(piece);
    return switch (piece.kind()) {
      case CONSTANT, CHUNK -> new Fragment.InImage(include(piece));
      case UNNAMED ->
          throw ChangeRules.refused(object, piece, "changed code uses data without a name");
      case FUNCTION -> {
        boolean pointer =
            from.isPresent() && !reference.branch() && inside.offset() == piece.entry();
        if (!changes.includes(piece) || (pointer && !changes.isNew(piece))) {
          yield inKernel(piece);
        }
        int index = include(piece);
        if (pointer && !Changes.isCold(piece)) {
          escape(index, from.get());
        }
        yield new Fragment.InImage(index);
      }
      case VARIABLE -> {
        if (before.isPresent()) {
          yield inKernel(piece);
        }
        int index = includeVariable(piece);
        if (from.isPresent()
            && !Names.isBookkeeping(piece.name())
            && !CallbackSlots.isOwn(piece)
            && !isAccess(reference, from.get())) {
          escape(index, from.get());
        }
        yield new Fragment.InImage(index);
      }
    };
  }

  private int includeVariable(Piece piece) {
    if (piece.role() != SectionRole.DATA) {
      throw ChangeRules.refused(
          object, piece, "a patch cannot add to section " + piece.section().name());
    }
    if (correlation.isAmbiguous(piece) && !Names.isBookkeeping(piece.name())) {
      throw ChangeRules.refused(
          object,
          piece,
          "it cannot be told whether it is one the kernel has already: no function refers to it"
              + " both before and after the change in the same way");
    }
    return include(piece);
  }

  private void escape(int fragment, Piece from) {
    if (CallbackSlots.isOwn(from)) {
      return;
    }
    escaping.putIfAbsent(fragment, "its address is taken by " + from.name());
  }

  /** Whether the processor goes to memory with the address, rather than keep it. */
  private boolean isAccess(Reference reference, Piece from) {
    if (!from.section().isCode() || !reference.type().isPcRelative() || reference.offset() < 2) {
      return false;
    }
    final int lea = 0x8d;
    return from.bytes().at(reference.offset() - 2) != lea;
  }

  private Piece kernels(Piece piece) {
    return correlation
        .originalOf(piece)
        .orElseThrow(() -> ChangeRules.refused(object, piece, "the running kernel has no such"));
  }

  private Fragment.Goal inKernel(Piece piece) {
    Piece before = kernels(piece);
    Fragment.Kind kind =
        switch (before.role()) {
          case PER_CPU -> Fragment.Kind.PER_CPU;
          default -> before.isFunction() ? Fragment.Kind.FUNCTION : Fragment.Kind.OBJECT;
        };
    return new Fragment.InKernel(before.name(), kind, before.symbol().isLocal());
  }

  private Extraction result() {
    List<Extraction.Replaced> replaced = new ArrayList<>();
    List<Extraction.Added> added = new ArrayList<>();
    Map<String, Extraction.Exported> exported = new LinkedHashMap<>();
    pieces.forEach(
        (piece, index) -> {
          Optional<Piece> before = correlation.originalOf(piece);
          if (piece.isFunction() && !Changes.isCold(piece)) {
            if (changes.changed().contains(piece)) {
              replaced.add(replaced(piece, kernels(piece), index));
            } else if (declared.containsKey(piece)) {
              replaced.add(
                  new Extraction.Replaced(
                      declared.get(piece), false, index, List.of(), newParts(piece)));
            } else {
              added.add(new Extraction.Added(piece.name(), index, piece.symbol().size()));
            }
          }
          piece.symbols().stream()
              .filter(s -> !s.isLocal())
              .forEach(
                  s ->
                      exported.putIfAbsent(
                          s.name(),
                          new Extraction.Exported(
                              index, before.isPresent(), changes.newExports().contains(s.name()))));
        });
    List<Extraction.Escaping> escapes = new ArrayList<>();
    escaping.forEach((index, detail) -> escapes.add(new Extraction.Escaping(index, detail)));
    List<Extraction.Callback> callbacks = new ArrayList<>();
    for (CallbackSlots.Slot slot : CallbackSlots.of(object, patched)) {
      callbacks.add(
          new Extraction.Callback(
              slot.kind(), slot.function(), include(slot.run()), include(slot.slot())));
    }
    return new Extraction(
        object, fragments, replaced, added, escapes, exported, callbacks, changes.leftOut());
  }

  private Extraction.Replaced replaced(Piece piece, Piece before, int index) {
    return new Extraction.Replaced(
        before.name(), before.symbol().isLocal(), index, oldParts.of(before), newParts(piece));
  }

  private List<Integer> newParts(Piece piece) {
    List<Integer> newParts = new ArrayList<>();
    pieces.forEach(
        (part, partIndex) -> {
          if (part.isFunction() && OldParts.isColdOf(part, piece)) {
            newParts.add(partIndex);
          }
        });
    return newParts;
  }

  /** Flags that matter to the module loader; nothing of the image is to be merged once more. */
  static long loadedFlags(ElfSection section) {
    return section.flags() & (ElfFormat.SHF_WRITE | ElfFormat.SHF_ALLOC | ElfFormat.SHF_EXECINSTR);
  }
}
