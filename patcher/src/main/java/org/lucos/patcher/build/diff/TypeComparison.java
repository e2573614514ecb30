package org.lucos.patcher.build.diff;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.lucos.patcher.btf.Btf;
import org.lucos.patcher.btf.BtfKind;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * Whether a type of one build is that of another: what is in memory means the same to code of both.
 * Named structs, unions and enums count as the same when they are called the same; what they are
 * made of is compared once, for themselves. Qualifiers and the names of integers say nothing about
 * memory.
 */
final class TypeComparison {
  private static final int DEEPEST = 64;

  private final Btf before;
  private final Btf after;

  TypeComparison(Btf before, Btf after) {
    this.before = before;
    this.after = after;
  }

  /** Whether values of these types mean the same. */
  boolean isSame(int from, int to) {
    return isSame(from, to, 0);
  }

  private boolean isSame(int from, int to, int depth) {
    if (depth > DEEPEST) {
      throw new MalformedDataException(before.source(), 0, "types without end: type=" + from);
    }
    int one = before.plain(from);
    int other = after.plain(to);
    BtfKind kind = before.kind(one);
    if (isTagged(kind) && isTagged(after.kind(other))) {
      String name = before.name(one);
      if (!name.isEmpty() || !after.name(other).isEmpty()) {
        return TypeNames.tag(before, one).equals(TypeNames.tag(after, other));
      }
    }
    if (kind != after.kind(other)) {
      return false;
    }
    return switch (kind) {
      case STRUCT, UNION -> members(one, other, depth + 1).isEmpty();
      case ENUM, ENUM64 -> enumerators(one, other).isEmpty();
      case PTR -> isSame(before.sizeOrType(one), after.sizeOrType(other), depth + 1);
      case ARRAY ->
          before.elementCount(one) == after.elementCount(other)
              && isSame(before.elementType(one), after.elementType(other), depth + 1);
      case FUNC_PROTO -> isSamePrototype(one, other, depth + 1);
      case INT -> before.intData(one) == after.intData(other);
      case FLOAT -> before.sizeOrType(one) == after.sizeOrType(other);
      default -> true;
    };
  }

  private static boolean isTagged(BtfKind kind) {
    return kind.isStruct() || kind.isEnum() || kind == BtfKind.FWD;
  }

  private boolean isSamePrototype(int from, int to, int depth) {
    if (before.entries(from) != after.entries(to)
        || !isSame(before.sizeOrType(from), after.sizeOrType(to), depth)) {
      return false;
    }
    for (int i = 0; i < before.entries(from); i++) {
      if (!isSame(before.memberType(from, i), after.memberType(to, i), depth)) {
        return false;
      }
    }
    return true;
  }

  /** How two structs or unions differ. */
  Optional<TypeChange> members(int from, int to) {
    return members(from, to, 0);
  }

  private Optional<TypeChange> members(int from, int to, int depth) {
    List<String> olds = names(before, from);
    List<String> news = names(after, to);
    if (!olds.equals(news)) {
      return Optional.of(otherMembers(from, olds, news));
    }
    Optional<TypeChange> moved = Optional.empty();
    for (int i = 0; i < olds.size(); i++) {
      Optional<TypeChange> change = member(from, to, i, depth);
      if (change.filter(TypeChange::declared).isPresent()) {
        return change;
      }
      moved = moved.or(() -> change);
    }
    int size = before.sizeOrType(from);
    int now = after.sizeOrType(to);
    return size == now || moved.isPresent()
        ? moved
        : Optional.of(change(from, "its size changes from " + size + " to " + now, false));
  }

  private Optional<TypeChange> member(int from, int to, int index, int depth) {
    int type = before.memberType(from, index);
    int now = after.memberType(to, index);
    String name = before.entryName(from, index);
    if (name.isEmpty() && isStruct(before, type) && isStruct(after, now)) {
      Optional<TypeChange> inside = members(before.plain(type), after.plain(now), depth + 1);
      if (inside.isPresent()) {
        return Optional.of(change(from, inside.get().detail(), inside.get().declared()));
      }
    }
    if (!isSame(type, now, depth + 1)) {
      String detail = "changes from " + TypeNames.of(before, type) + " to ";
      return Optional.of(
          change(from, "member '" + name + "' " + detail + TypeNames.of(after, now), true));
    }
    int bits = before.memberBits(from, index);
    if (bits != after.memberBits(to, index)) {
      String detail = "' changes from " + bits + " bits to " + after.memberBits(to, index);
      return Optional.of(change(from, "bit-field '" + name + detail, true));
    }
    int offset = before.memberBitOffset(from, index);
    int moved = after.memberBitOffset(to, index);
    if (offset != moved) {
      String detail = "' moves from " + place(offset) + " to " + place(moved);
      return Optional.of(change(from, "member '" + name + detail, false));
    }
    return Optional.empty();
  }

  private TypeChange change(int from, String detail, boolean declared) {
    return new TypeChange(TypeNames.of(before, from), detail, declared);
  }

  private static boolean isStruct(Btf btf, int type) {
    return btf.kind(btf.plain(type)).isStruct() && btf.name(btf.plain(type)).isEmpty();
  }

  private static String place(int bits) {
    return bits % 8 == 0 ? "byte " + bits / 8 : "bit " + bits;
  }

  private static List<String> names(Btf btf, int type) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < btf.entries(type); i++) {
      names.add(btf.entryName(type, i));
    }
    return names;
  }

  private TypeChange otherMembers(int from, List<String> olds, List<String> news) {
    Set<String> added = new HashSet<>(news);
    olds.forEach(added::remove);
    Set<String> gone = new HashSet<>(olds);
    news.forEach(gone::remove);
    String detail;
    if (!added.isEmpty()) {
      detail =
          "member '" + news.stream().filter(added::contains).findFirst().orElse("") + "' is new";
    } else if (!gone.isEmpty()) {
      detail =
          "member '" + olds.stream().filter(gone::contains).findFirst().orElse("") + "' is gone";
    } else {
      detail = olds.size() == news.size() ? "its members change places" : "it has other members";
    }
    return change(from, detail, true);
  }

  /** How two enums differ in what both have; enumerators may be added. */
  Optional<TypeChange> enumerators(int from, int to) {
    for (int i = 0; i < before.entries(from); i++) {
      String name = before.entryName(from, i);
      int found = find(after, to, name);
      if (found < 0) {
        return Optional.of(change(from, "enumerator " + name + " is gone", true));
      }
      long value = before.enumeratorValue(from, i);
      long now = after.enumeratorValue(to, found);
      if (value != now) {
        return Optional.of(
            change(from, "enumerator " + name + " changes from " + value + " to " + now, true));
      }
    }
    int size = before.sizeOrType(from);
    int now = after.sizeOrType(to);
    return size == now
        ? Optional.empty()
        : Optional.of(change(from, "its size changes from " + size + " to " + now, true));
  }

  private static int find(Btf btf, int type, String name) {
    for (int i = 0; i < btf.entries(type); i++) {
      if (btf.entryName(type, i).equals(name)) {
        return i;
      }
    }
    return -1;
  }
}
