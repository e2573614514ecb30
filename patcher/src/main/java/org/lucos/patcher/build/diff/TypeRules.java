package org.lucos.patcher.build.diff;

import com.google.common.collect.ListMultimap;
import com.google.common.collect.MultimapBuilder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.patcher.btf.Btf;
import org.lucos.patcher.btf.BtfKind;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Types may not change: what the running kernel keeps in memory was laid out by the old ones, and
 * code that is not replaced goes on reading it that way. The compiler says of each build what types
 * it has (BTF, {@code -gbtf}); every one that both have must be the same, whichever code changed.
 * Types that only one of them has do no harm, nor do enumerators that are added.
 */
final class TypeRules {
  /** Where the compiler puts BTF. */
  static final String SECTION = ".BTF";

  private final String object;
  private final ElfObject original;
  private final ElfObject patched;
  private final Btf before;
  private final Btf after;
  private final TypeComparison comparison;

  TypeRules(String object, ElfObject original, ElfObject patched) {
    this.object = object;
    this.original = original;
    this.patched = patched;
    this.before = types(original);
    this.after = types(patched);
    this.comparison = new TypeComparison(before, after);
  }

  private static Btf types(ElfObject object) {
    return Btf.parse(
        object.source() + " " + SECTION,
        object
            .section(SECTION)
            .orElseThrow(
                () -> new MalformedDataException(object.source(), 0, "no type information"))
            .bytes()
            .toArray());
  }

  /** Throws {@link RefusedException} with {@code TypeChanged} if a type differs. */
  void check() {
    List<TypeChange> changes = new ArrayList<>();
    ListMultimap<String, Integer> olds = named(before);
    ListMultimap<String, Integer> news = named(after);
    for (String name : olds.keySet()) {
      for (int old : olds.get(name)) {
        // a name that means several types: one of them must be the old one
        news.get(name).stream()
            .map(now -> compare(old, now))
            .min(Comparator.comparing(Optional::isPresent))
            .flatMap(found -> found)
            .ifPresent(changes::add);
      }
    }
    enumerators().ifPresent(changes::add);
    changes.sort(Comparator.comparing(change -> !change.declared()));
    if (!changes.isEmpty()) {
      TypeChange first = changes.get(0);
      throw new RefusedException(
          new ChangeRefusal.TypeChanged(first.subject(), object, first.detail(), changes.size()));
    }
  }

  /** What has a name to compare it by, by that name. */
  private static ListMultimap<String, Integer> named(Btf btf) {
    ListMultimap<String, Integer> found =
        MultimapBuilder.linkedHashKeys().arrayListValues().build();
    for (int id = 1; id < btf.typeCount(); id++) {
      BtfKind kind = btf.kind(id);
      String name = btf.name(id);
      boolean compared =
          switch (kind) {
            case STRUCT, UNION, ENUM, ENUM64, TYPEDEF, FUNC -> !name.isEmpty();
            case VAR -> Names.numberedBase(name).isEmpty();
            default -> false;
          };
      if (compared) {
        found.put(subject(btf, id), id);
      }
    }
    return found;
  }

  private static String subject(Btf btf, int id) {
    return switch (btf.kind(id)) {
      case TYPEDEF -> "typedef " + btf.name(id);
      case VAR -> "variable '" + btf.name(id) + "'";
      case FUNC -> "function '" + btf.name(id) + "'";
      default -> TypeNames.tag(btf, id);
    };
  }

  private Optional<TypeChange> compare(int old, int now) {
    return switch (before.kind(old)) {
      case STRUCT, UNION ->
          after.kind(now).isStruct() ? comparison.members(old, now) : Optional.empty();
      case ENUM, ENUM64 -> comparison.enumerators(old, now);
      case FUNC -> prototype(old, now);
      default -> alias(old, now);
    };
  }

  /** A typedef or a variable; whether an array gets longer is for {@link ChangeRules}. */
  private Optional<TypeChange> alias(int old, int now) {
    int from = before.sizeOrType(old);
    int to = after.sizeOrType(now);
    boolean array = before.kind(from) == BtfKind.ARRAY && after.kind(to) == BtfKind.ARRAY;
    boolean same =
        (array && before.kind(old) == BtfKind.VAR)
            ? comparison.isSame(before.elementType(from), after.elementType(to))
            : comparison.isSame(from, to);
    if (same) {
      return Optional.empty();
    }
    String detail =
        "it changes from " + TypeNames.of(before, from) + " to " + TypeNames.of(after, to);
    if (before.kind(from).isStruct() && after.kind(to).isStruct()) {
      detail = comparison.members(from, to).map(TypeChange::detail).orElse(detail);
    }
    return Optional.of(new TypeChange(subject(before, old), detail, true));
  }

  /** Who calls a function of this file is compiled along, but for modules of others. */
  private Optional<TypeChange> prototype(int old, int now) {
    int from = before.sizeOrType(old);
    int to = after.sizeOrType(now);
    if (!isExported(before.name(old)) || comparison.isSame(from, to)) {
      return Optional.empty();
    }
    return Optional.of(
        new TypeChange(
            subject(before, old),
            "it changes from "
                + TypeNames.of(before, from)
                + " to "
                + TypeNames.of(after, to)
                + ", and modules may call it as it was",
            true));
  }

  private boolean isExported(String function) {
    return List.of("__ksymtab_" + function, "__export_symbol_" + function).stream()
        .anyMatch(name -> isDefined(original, name) || isDefined(patched, name));
  }

  private static boolean isDefined(ElfObject object, String name) {
    return object.symbols(name).stream().anyMatch(ElfSymbol::isInSection);
  }

  /** Enumerators of enums without name, wherever they are declared. */
  private Optional<TypeChange> enumerators() {
    Map<String, Long> olds = constants(before);
    Map<String, Long> news = constants(after);
    return olds.entrySet().stream()
        .filter(e -> news.containsKey(e.getKey()) && !news.get(e.getKey()).equals(e.getValue()))
        .map(
            e ->
                new TypeChange(
                    "enumerator " + e.getKey(),
                    "it changes from " + e.getValue() + " to " + news.get(e.getKey()),
                    true))
        .min(Comparator.comparing(TypeChange::subject));
  }

  private static Map<String, Long> constants(Btf btf) {
    Map<String, Long> found = new HashMap<>();
    for (int id = 1; id < btf.typeCount(); id++) {
      if (btf.kind(id).isEnum() && btf.name(id).isEmpty()) {
        for (int i = 0; i < btf.entries(id); i++) {
          found.put(btf.entryName(id, i), btf.enumeratorValue(id, i));
        }
      }
    }
    return found;
  }
}
