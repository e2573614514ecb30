package org.lucos.patcher.kernel;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.btf.Btf;
import org.lucos.patcher.btf.BtfKind;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.RefusedException;

/** Where a struct or union of the running kernel keeps its members. */
public final class StructLayout {
  private static final Pattern STEP = Pattern.compile("(\\w+)((?:\\[\\d{1,9}])*)");
  private static final Pattern INDEX = Pattern.compile("\\[(\\d+)]");
  private static final int DEEPEST_NESTING = 32;

  private final Btf btf;
  private final int id;

  StructLayout(Btf btf, int id) {
    this.btf = btf;
    this.id = id;
  }

  /** Its name; empty if it is anonymous. */
  public String name() {
    return btf.name(id);
  }

  /** Bytes it takes. */
  public long size() {
    return btf.size(id);
  }

  /**
   * A member, as {@link #find} finds it.
   *
   * @throws RefusedException if there is no such member
   */
  public Field field(String path) {
    return find(path)
        .orElseThrow(() -> BtfTypes.notResolved("struct " + name() + "." + path, "no such member"));
  }

  /** Shorthand for the byte offset of a member. */
  public long offsetOf(String path) {
    return field(path).offset();
  }

  /**
   * A member by its path from this type: names separated by dots, array elements by number, as in
   * {@code thread.sp} or {@code mem[2].base}. Members of anonymous structs and unions are found as
   * in C.
   *
   * @throws IllegalArgumentException if the path is not of this form
   */
  public Optional<Field> find(String path) {
    return Optional.ofNullable(walk(path)).map(place -> field(path, place));
  }

  private @Nullable Place walk(String path) {
    Place place = new Place(id, 0, 0);
    for (String step : path.split("\\.", -1)) {
      Matcher parts = STEP.matcher(step);
      if (!parts.matches()) {
        throw new IllegalArgumentException("no path of members: " + path);
      }
      byte[] name = parts.group(1).getBytes(StandardCharsets.ISO_8859_1);
      Place member = member(btf.plain(place.type), place.bit, name, 0);
      Matcher indices = INDEX.matcher(parts.group(2));
      while (member != null && indices.find()) {
        member = element(member, Long.parseLong(indices.group(1)));
      }
      if (member == null) {
        return null;
      }
      place = member;
    }
    return place;
  }

  /**
   * The struct or union that a pointer member points to; empty if there is no such member, it is no
   * pointer, or it points to something else.
   *
   * @param path as in {@link #find}
   */
  public Optional<StructLayout> pointee(String path) {
    Place place = walk(path);
    if (place == null || btf.kind(btf.plain(place.type)) != BtfKind.PTR) {
      return Optional.empty();
    }
    int target = btf.plain(btf.sizeOrType(btf.plain(place.type)));
    return btf.kind(target).isStruct()
        ? Optional.of(new StructLayout(btf, target))
        : Optional.empty();
  }

  /** The members named in the type itself, in order; of anonymous members, theirs. */
  public List<Field> members() {
    List<Field> found = new ArrayList<>();
    collect(id, 0, 0, found);
    return found;
  }

  private void collect(int type, long bit, int depth, List<Field> found) {
    checkDepth(depth);
    for (int i = 0; i < btf.entries(type); i++) {
      Place place = place(type, bit, i);
      String name = btf.entryName(type, i);
      int plain = btf.plain(place.type);
      if (!name.isEmpty()) {
        found.add(field(name, place));
      } else if (btf.kind(plain).isStruct()) {
        collect(plain, place.bit, depth + 1, found);
      }
    }
  }

  private @Nullable Place member(int type, long bit, byte[] name, int depth) {
    checkDepth(depth);
    if (!btf.kind(type).isStruct()) {
      return null;
    }
    for (int i = 0; i < btf.entries(type); i++) {
      if (btf.entryIs(type, i, name)) {
        return place(type, bit, i);
      }
      int plain = btf.plain(btf.memberType(type, i));
      if (btf.entryIs(type, i, new byte[0]) && btf.kind(plain).isStruct()) {
        Place inside = member(plain, bit + btf.memberBitOffset(type, i), name, depth + 1);
        if (inside != null) {
          return inside;
        }
      }
    }
    return null;
  }

  private void checkDepth(int depth) {
    if (depth > DEEPEST_NESTING) {
      throw new MalformedDataException(btf.source(), 0, "structs nested too deep: type=" + id);
    }
  }

  private Place place(int type, long bit, int index) {
    int member = btf.memberType(type, index);
    long start = bit + Integer.toUnsignedLong(btf.memberBitOffset(type, index));
    int bits = btf.memberBits(type, index);
    int plain = btf.plain(member);
    if (bits == 0 && btf.kind(plain) == BtfKind.INT) {
      // before bit-field sizes went into members, integers of odd width said it
      int data = btf.intData(plain);
      int width = data & 0xff;
      if (width != btf.size(plain) * 8) {
        bits = width;
        start += data >>> 16 & 0xff;
      }
    }
    return new Place(member, start, bits);
  }

  private @Nullable Place element(Place array, long index) {
    int plain = btf.plain(array.type);
    if (btf.kind(plain) != BtfKind.ARRAY) {
      return null;
    }
    long count = btf.elementCount(plain);
    int element = btf.elementType(plain);
    // an array of length 0 is one of unknown length
    if (count != 0 && index >= count) {
      return null;
    }
    return new Place(element, array.bit + index * btf.size(element) * 8, 0);
  }

  private Field field(String path, Place place) {
    int plain = btf.plain(place.type);
    long count = btf.kind(plain) == BtfKind.ARRAY ? btf.elementCount(plain) : 1;
    int shift = (int) (place.bit & 7);
    long size = place.bits == 0 ? btf.size(plain) : (shift + place.bits + 7) / 8;
    return new Field(name() + "." + path, place.bit >> 3, size, count, shift, place.bits);
  }

  /** A member found: its type, where it begins in bits, its bits if it is a bit-field. */
  private record Place(int type, long bit, int bits) {}

  @Override
  public String toString() {
    return (btf.kind(id) == BtfKind.UNION ? "union " : "struct ") + name();
  }
}
