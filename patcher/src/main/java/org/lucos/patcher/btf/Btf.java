package org.lucos.patcher.btf;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.bytes.NameIndex;

/**
 * BTF, the type information a kernel carries, checked once and then read in place: types are
 * numbers. Format: include/uapi/linux/btf.h and Documentation/bpf/btf.rst.
 *
 * <p>A module's BTF is <em>split</em>: its type numbers and string offsets go on where those of
 * vmlinux end. Type 0 is {@code void}.
 */
public final class Btf {
  private static final int MAGIC = 0xeb9f;
  private static final int HEADER = 24;
  private static final int TYPE_HEADER = 12;

  /** {@code BTF_MAX_TYPE} and {@code BTF_MAX_NAME_OFFSET} of the kernel's own parser, and more. */
  private static final int MOST_TYPES = 1 << 24;

  private static final int LONGEST_CHAIN = 64;

  private final String source;
  private final byte[] data;
  private final @Nullable Btf base;
  private final int firstType;
  private final int firstString;
  private final int stringStart;
  private final int stringLength;

  /** Where each own type's header is in the data. */
  private int[] offsets;

  private int ownTypes;

  /**
   * Reads the header, and all else unless that was done before.
   *
   * @param known where each type is, of data that has been checked
   */
  private Btf(String source, byte[] data, @Nullable Btf base, int @Nullable [] known) {
    this.source = source;
    this.data = data;
    this.base = base;
    this.firstType = base == null ? 1 : base.typeCount();
    this.firstString = base == null ? 0 : base.stringEnd();
    ByteCursor cursor = new ByteCursor(source, data);
    int magic = cursor.u16();
    if (magic != MAGIC) {
      throw new MalformedDataException(
          source, 0, magic == 0x9feb ? "big-endian BTF" : "no BTF magic number");
    }
    if (cursor.u8() != 1) {
      throw new MalformedDataException(source, 2, "unknown version of BTF");
    }
    cursor.skip(1);
    long header = cursor.u32();
    if (header < HEADER || header > data.length) {
      throw new MalformedDataException(source, 4, "absurd header length: " + header);
    }
    long typeOffset = cursor.u32();
    long typeLength = cursor.u32();
    long stringOffset = cursor.u32();
    long strings = cursor.u32();
    ByteCursor types = cursor.slice(source, header + typeOffset, typeLength);
    cursor.slice(source, header + stringOffset, strings);
    stringStart = (int) (header + stringOffset);
    stringLength = (int) strings;
    if (stringLength > 0 && data[stringStart + stringLength - 1] != 0) {
      throw new MalformedDataException(source, stringStart, "strings do not end with NUL");
    }
    if (base == null && (stringLength == 0 || data[stringStart] != 0)) {
      throw new MalformedDataException(source, stringStart, "first string is not empty");
    }
    if (known != null) {
      offsets = known;
      ownTypes = known.length;
      return;
    }
    offsets = new int[Math.min(types.size() / 24 + 16, MOST_TYPES)];
    index(types, (int) (header + typeOffset));
    for (int id = firstType; id < typeCount(); id++) {
      check(id);
    }
  }

  /**
   * Parses and checks the BTF of a vmlinux.
   *
   * @throws MalformedDataException if it does not follow the format
   */
  public static Btf parse(String source, byte[] data) {
    return new Btf(source, data, null, null);
  }

  /** Parses and checks the BTF of a module, split from that of its vmlinux. */
  public static Btf parseSplit(String source, byte[] data, Btf base) {
    return new Btf(source, data, base, null);
  }

  /**
   * Takes up the BTF of a vmlinux that was parsed before.
   *
   * @param offsets what {@link #offsets} gave then
   */
  public static Btf restored(String source, byte[] data, int[] offsets) {
    return new Btf(source, data, null, offsets);
  }

  /** Where each type is in the data, for a cache. */
  public int[] offsets() {
    return Arrays.copyOf(offsets, ownTypes);
  }

  private void index(ByteCursor types, int at) {
    while (types.remaining() > 0) {
      int start = types.position();
      types.skip(4);
      int info = types.i32();
      types.skip(4);
      BtfKind kind = BtfKind.of(info >>> 24 & 0x1f);
      if (kind == BtfKind.VOID) {
        throw new MalformedDataException(source, at + start, "unknown kind of type");
      }
      types.skip(kind.extraBytes() + (long) kind.entryBytes() * (info & 0xffff));
      if (ownTypes == offsets.length) {
        if (ownTypes >= MOST_TYPES) {
          throw new MalformedDataException(source, at + start, "too many types");
        }
        offsets = Arrays.copyOf(offsets, ownTypes * 2);
      }
      offsets[ownTypes++] = at + start;
    }
  }

  /** Checks every reference of a type, so that later reads need no check. */
  private void check(int id) {
    checkString(offset(id), nameOffset(id));
    BtfKind kind = kind(id);
    if (kind.refersToType()) {
      checkType(offset(id) + 8, sizeOrType(id));
    }
    int extra = offset(id) + TYPE_HEADER;
    if (kind == BtfKind.ARRAY) {
      checkType(extra, word(extra));
      checkType(extra + 4, word(extra + 4));
    }
    for (int i = 0; i < entries(id); i++) {
      int entry = entry(id, i);
      if (kind != BtfKind.DATASEC) {
        checkString(entry, word(entry));
      }
      switch (kind) {
        case STRUCT, UNION, FUNC_PROTO -> checkType(entry + 4, word(entry + 4));
        case DATASEC -> checkType(entry, word(entry));
        default -> {}
      }
    }
  }

  private void checkString(int at, int string) {
    if (Integer.compareUnsigned(string, stringEnd()) >= 0) {
      throw new MalformedDataException(source, at, "string outside of strings: " + string);
    }
  }

  private void checkType(int at, int type) {
    if (Integer.compareUnsigned(type, typeCount()) >= 0) {
      throw new MalformedDataException(source, at, "no such type: " + type);
    }
  }

  /** One more than the greatest type number. */
  public int typeCount() {
    return firstType + ownTypes;
  }

  /** The first type number that is not the base's. */
  public int firstOwnType() {
    return firstType;
  }

  private int stringEnd() {
    return firstString + stringLength;
  }

  /** What kind of type {@code id} is. */
  public BtfKind kind(int id) {
    return id == 0 ? BtfKind.VOID : BtfKind.of(info(id) >>> 24 & 0x1f);
  }

  /** Its name; empty for an anonymous type. */
  public String name(int id) {
    return id == 0 ? "void" : string(nameOffset(id));
  }

  /** The size in bytes, or the type referred to, as the kind has it. */
  public int sizeOrType(int id) {
    return home(id).word(offset(id) + 8);
  }

  /** Members, enumerators, parameters or variables. */
  public int entries(int id) {
    return kind(id).entryBytes() == 0 ? 0 : info(id) & 0xffff;
  }

  /** For a struct or union: whether member offsets carry bit-field sizes. For an enum: signed. */
  public boolean kindFlag(int id) {
    return info(id) < 0;
  }

  /** The name of an entry. */
  public String entryName(int id, int index) {
    return string(home(id).word(entry(id, index)));
  }

  /** Whether an entry has this name, as bytes. */
  public boolean entryIs(int id, int index, byte[] name) {
    return stringIs(home(id).word(entry(id, index)), name);
  }

  /** The type of a member. */
  public int memberType(int id, int index) {
    return home(id).word(entry(id, index) + 4);
  }

  /** Where a member begins, in bits. */
  public int memberBitOffset(int id, int index) {
    int value = home(id).word(entry(id, index) + 8);
    return kindFlag(id) ? value & 0xffffff : value;
  }

  /** How many bits a member has if it is a bit-field, else 0. */
  public int memberBits(int id, int index) {
    return kindFlag(id) ? home(id).word(entry(id, index) + 8) >>> 24 : 0;
  }

  /** The value of an enumerator, signed or unsigned as its enum says. */
  public long enumeratorValue(int id, int index) {
    Btf home = home(id);
    int low = home.word(entry(id, index) + 4);
    if (kind(id) == BtfKind.ENUM64) {
      return Integer.toUnsignedLong(low) | (long) home.word(entry(id, index) + 8) << 32;
    }
    return kindFlag(id) ? low : Integer.toUnsignedLong(low);
  }

  /** Of a function or variable: 0 if only its own file sees it ({@code BTF_FUNC_STATIC}). */
  public int linkage(int id) {
    return kind(id) == BtfKind.VAR ? home(id).word(offset(id) + TYPE_HEADER) : info(id) & 0xffff;
  }

  /** An array's element type. */
  public int elementType(int id) {
    return home(id).word(offset(id) + TYPE_HEADER);
  }

  /** An array's length. */
  public long elementCount(int id) {
    return Integer.toUnsignedLong(home(id).word(offset(id) + TYPE_HEADER + 8));
  }

  /** Of an integer, encoding, bit offset and bits: the word of {@code BTF_INT_*}. */
  public int intData(int id) {
    return home(id).word(offset(id) + TYPE_HEADER);
  }

  /** The type behind typedefs and qualifiers. */
  public int plain(int id) {
    int type = id;
    for (int i = 0; i < LONGEST_CHAIN; i++) {
      if (!kind(type).isAlias()) {
        return type;
      }
      type = sizeOrType(type);
    }
    throw new MalformedDataException(source, 0, "typedefs without end: type=" + id);
  }

  /** How many bytes a value of the type takes. */
  public long size(int id) {
    long factor = 1;
    int type = id;
    for (int i = 0; i < LONGEST_CHAIN; i++) {
      type = plain(type);
      BtfKind kind = kind(type);
      if (kind != BtfKind.ARRAY) {
        long single =
            kind == BtfKind.PTR ? 8 : kind.hasSize() ? Integer.toUnsignedLong(sizeOrType(type)) : 0;
        return multiply(type, factor, single);
      }
      factor = multiply(type, factor, elementCount(type));
      type = elementType(type);
    }
    throw new MalformedDataException(source, 0, "arrays without end: type=" + id);
  }

  private long multiply(int type, long a, long b) {
    // both are below 2^32 at first, and stay so: nothing in memory is larger
    long product = a * b;
    if (product >= 1L << 31) {
      throw new MalformedDataException(source, 0, "absurd size of type " + type);
    }
    return product;
  }

  /** What errors call the data. */
  public String source() {
    return source;
  }

  /** Whether a type has this name, as bytes. */
  public boolean nameIs(int id, byte[] name) {
    return stringIs(nameOffset(id), name);
  }

  /** The {@link NameIndex#hash} of a type's name. */
  public int nameHash(int id) {
    return hash(nameOffset(id));
  }

  /** The {@link NameIndex#hash} of an entry's name. */
  public int entryNameHash(int id, int index) {
    return hash(home(id).word(entry(id, index)));
  }

  private int hash(int string) {
    Btf home = stringHome(string);
    int start = home.stringStart + string - home.firstString;
    int end = start;
    while (home.data[end] != 0) {
      end++;
    }
    return NameIndex.hash(home.data, start, end);
  }

  private int nameOffset(int id) {
    return home(id).word(offset(id));
  }

  private int info(int id) {
    return home(id).word(offset(id) + 4);
  }

  private int entry(int id, int index) {
    BtfKind kind = kind(id);
    return offset(id) + TYPE_HEADER + kind.extraBytes() + kind.entryBytes() * index;
  }

  private int offset(int id) {
    Btf home = home(id);
    return home.offsets[id - home.firstType];
  }

  private Btf home(int id) {
    return base != null && id < firstType ? base.home(id) : this;
  }

  private Btf stringHome(int string) {
    return base != null && string < firstString ? base.stringHome(string) : this;
  }

  private String string(int offset) {
    Btf home = stringHome(offset);
    int start = home.stringStart + offset - home.firstString;
    int end = start;
    while (home.data[end] != 0) {
      end++;
    }
    return new String(home.data, start, end - start, StandardCharsets.ISO_8859_1);
  }

  private boolean stringIs(int offset, byte[] wanted) {
    Btf home = stringHome(offset);
    int start = home.stringStart + offset - home.firstString;
    for (int i = 0; i < wanted.length; i++) {
      // the NUL at the end of all strings stops this before the end of the data
      if (home.data[start + i] != wanted[i] || wanted[i] == 0) {
        return false;
      }
    }
    return home.data[start + wanted.length] == 0;
  }

  private int word(int at) {
    return (data[at] & 0xff)
        | (data[at + 1] & 0xff) << 8
        | (data[at + 2] & 0xff) << 16
        | data[at + 3] << 24;
  }
}
