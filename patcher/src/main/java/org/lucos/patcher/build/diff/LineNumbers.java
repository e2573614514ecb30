package org.lucos.patcher.build.diff;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;

/**
 * Line numbers that macros such as ASSERT_RTNL() put into code and messages: every line a patch
 * adds shifts those below it, which changes nothing that matters. An immediate is taken for a line
 * number only if the function has a WARN in exactly that line, before and after the change.
 */
final class LineNumbers {
  /** The lines of one WARN before and after. */
  private record Shift(int before, int after) {}

  private static final int IMMEDIATE = 4;

  private final ObjectModel original;
  private final ObjectModel patched;

  LineNumbers(ObjectModel original, ObjectModel patched) {
    this.original = original;
    this.patched = patched;
  }

  /** Whether code is the same but for immediates that are line numbers. */
  boolean areAllThatDiffers(Piece before, Piece after) {
    Bytes from = original.maskedBytes(before);
    Bytes to = patched.maskedBytes(after);
    if (!before.isFunction() || from.size() != to.size()) {
      return false;
    }
    Set<Shift> shifts = shifts(before, after);
    if (shifts.isEmpty()) {
      return false;
    }
    byte[] code = from.toArray();
    byte[] changed = to.toArray();
    int at = 0;
    while (at < code.length) {
      Instruction instruction = Decoder.decode(code, at, at);
      int end = instruction.known() ? at + instruction.length() : at + 1;
      boolean same = from.slice(at, end).equals(to.slice(at, end));
      if (!same && !isShifted(code, changed, at, end, shifts)) {
        return false;
      }
      at = end;
    }
    return true;
  }

  /** The instruction ends in the immediate. */
  private static boolean isShifted(
      byte[] code, byte[] changed, int start, int end, Set<Shift> shifts) {
    int field = end - IMMEDIATE;
    Bytes from = Bytes.of(code);
    Bytes to = Bytes.of(changed);
    return field > start
        && Decoder.decode(changed, start, start).length() == end - start
        && from.slice(start, field).equals(to.slice(start, field))
        && shifts.contains(new Shift(from.i32(field), to.i32(field)));
  }

  /** Whether two texts are the same but for decimal line numbers. */
  boolean areAllThatDiffers(Piece before, Piece after, Bytes from, Bytes to) {
    List<String> olds = tokens(from);
    List<String> news = tokens(to);
    if (olds.size() != news.size() || !before.isFunction()) {
      return false;
    }
    Set<Shift> shifts = shifts(before, after);
    for (int i = 0; i < olds.size(); i++) {
      String old = olds.get(i);
      String now = news.get(i);
      if (!old.equals(now)
          && shifts.stream()
              .noneMatch(
                  s ->
                      old.equals(String.valueOf(s.before))
                          && now.equals(String.valueOf(s.after)))) {
        return false;
      }
    }
    return true;
  }

  /** Numbers, and what is between them. */
  private static List<String> tokens(Bytes text) {
    String characters = new String(text.toArray(), StandardCharsets.ISO_8859_1);
    return List.of(characters.split("(?<=\\d)(?=\\D)|(?<=\\D)(?=\\d)", -1));
  }

  private Set<Shift> shifts(Piece before, Piece after) {
    List<TableEntry> from = bugs(original, before);
    List<TableEntry> to = bugs(patched, after);
    Set<Shift> shifts = new HashSet<>();
    for (int i = 0; i < Math.min(from.size(), to.size()); i++) {
      if (from.get(i).place() == to.get(i).place()) {
        shifts.add(new Shift(line(from.get(i)), line(to.get(i))));
      }
    }
    return shifts;
  }

  private static List<TableEntry> bugs(ObjectModel model, Piece piece) {
    return model.entries(piece).stream()
        .filter(e -> e.format() == TableFormat.BUGS && hasLine(e))
        .toList();
  }

  private static int line(TableEntry entry) {
    int at = lineOffset(entry);
    return entry.bytes().at(at) | entry.bytes().at(at + 1) << 8;
  }

  /** struct bug_entry has a 16-bit line number behind its two references, then the flags. */
  static int lineOffset(TableEntry entry) {
    Reference last = entry.references().get(entry.references().size() - 1);
    return last.offset() + last.type().width();
  }

  static boolean hasLine(TableEntry entry) {
    return entry.format() == TableFormat.BUGS && lineOffset(entry) + 4 <= entry.bytes().size();
  }
}
