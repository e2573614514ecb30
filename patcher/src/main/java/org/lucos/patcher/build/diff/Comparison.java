package org.lucos.patcher.build.diff;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.bytes.Bytes;

/** Whether a patched piece does what the original does. */
final class Comparison {
  /** Two pieces compared by content. */
  private record Pair(Piece original, Piece patched) {}

  private final ObjectModel original;
  private final ObjectModel patched;
  private final Correlation correlation;
  private final LineNumbers lines;
  private final Map<Pair, Boolean> contents = new HashMap<>();

  Comparison(ObjectModel original, ObjectModel patched, Correlation correlation) {
    this.original = original;
    this.patched = patched;
    this.correlation = correlation;
    this.lines = new LineNumbers(original, patched);
  }

  /** Same bytes, same references, and same table entries as far as they say more than the code. */
  boolean isSame(Piece before, Piece after) {
    return isSameContent(before, after) && areSameEntries(before, after);
  }

  private boolean isSameContent(Piece before, Piece after) {
    return before.size() == after.size()
        && before.entry() == after.entry()
        && haveSameBytes(before, after)
        && areSame(new Pair(before, after), original.references(before), patched.references(after));
  }

  private boolean haveSameBytes(Piece before, Piece after) {
    return original.maskedBytes(before).equals(patched.maskedBytes(after))
        || lines.areAllThatDiffers(before, after);
  }

  private boolean areSame(Pair where, List<Reference> before, List<Reference> after) {
    if (before.size() != after.size()) {
      return false;
    }
    for (int i = 0; i < before.size(); i++) {
      if (!isSame(where, before.get(i), after.get(i))) {
        return false;
      }
    }
    return true;
  }

  private boolean isSame(Pair where, Reference before, Reference after) {
    return before.offset() == after.offset()
        && before.plainType() == after.plainType()
        && before.delta() == after.delta()
        && isSame(where, before.target(), after.target());
  }

  private boolean isSame(Pair where, Target before, Target after) {
    if (before instanceof Target.Inside from && after instanceof Target.Inside to) {
      if (from.offset() != to.offset() || from.piece().kind() != to.piece().kind()) {
        return false;
      }
      if (from.piece().isContent()) {
        return haveSameContent(from.piece(), to.piece());
      }
      return correlation.patchedOf(from.piece()).filter(to.piece()::equals).isPresent();
    }
    if (before instanceof Target.Literal from && after instanceof Target.Literal to) {
      return from.text().equals(to.text())
          || lines.areAllThatDiffers(where.original, where.patched, from.text(), to.text());
    }
    if (before instanceof Target.Constant from && after instanceof Target.Constant to) {
      return from.value().equals(to.value());
    }
    return before.equals(after);
  }

  private boolean haveSameContent(Piece before, Piece after) {
    Pair pair = new Pair(before, after);
    Boolean known = contents.get(pair);
    if (known == null) {
      // a piece that leads back to itself is the same if the rest is
      contents.put(pair, true);
      known = isSame(before, after);
      contents.put(pair, known);
    }
    return known;
  }

  private boolean areSameEntries(Piece before, Piece after) {
    List<TableEntry> from = behaviour(original, before);
    List<TableEntry> to = behaviour(patched, after);
    if (from.size() != to.size()) {
      return false;
    }
    for (int i = 0; i < from.size(); i++) {
      TableEntry one = from.get(i);
      TableEntry other = to.get(i);
      if (one.format() != other.format()
          || !one.section().name().equals(other.section().name())
          || !withoutLine(one).equals(withoutLine(other))
          || !areSame(new Pair(before, after), one.references(), other.references())) {
        return false;
      }
    }
    return true;
  }

  private static List<TableEntry> behaviour(ObjectModel model, Piece piece) {
    return model.entries(piece).stream().filter(e -> e.format().isBehaviour()).toList();
  }

  private static Bytes withoutLine(TableEntry entry) {
    if (!LineNumbers.hasLine(entry)) {
      return entry.bytes();
    }
    byte[] bytes = entry.bytes().toArray();
    int line = LineNumbers.lineOffset(entry);
    bytes[line] = 0;
    bytes[line + 1] = 0;
    return Bytes.of(bytes);
  }

  /** Whether two sections nobody may change hold the same. */
  boolean isSameSection(List<Piece> before, List<Piece> after) {
    if (before.size() != after.size()) {
      return false;
    }
    for (int i = 0; i < before.size(); i++) {
      if (!withoutNumbers(before.get(i)).equals(withoutNumbers(after.get(i)))
          || !isSameContent(before.get(i), after.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static String withoutNumbers(Piece piece) {
    return piece.symbols().isEmpty() ? "" : Names.withoutNumbers(piece.name());
  }
}
