package org.lucos.patcher.btf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Writes BTF, type by type; types are numbered from 1, or from where the base of a split ends. */
public final class BtfWriter {
  private final ByteArrayOutputStream types = new ByteArrayOutputStream();
  private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
  private final int firstType;
  private final int firstString;
  private int count;

  public BtfWriter() {
    this(1, 0);
    strings.write(0);
  }

  /** Goes on where a base of so many types and bytes of strings ends. */
  public BtfWriter(int firstType, int firstString) {
    this.firstType = firstType;
    this.firstString = firstString;
  }

  /** A member of a struct or union: where in bits, and how many if it is a bit-field. */
  public record Member(String name, int type, int bitOffset, int bits) {
    public Member(String name, int type, int byteOffset) {
      this(name, type, byteOffset * 8, 0);
    }
  }

  public int integer(String name, int size) {
    return type(name, BtfKind.INT, 0, false, size, size * 8);
  }

  public int oddInteger(String name, int size, int bits, int bitOffset) {
    return type(name, BtfKind.INT, 0, false, size, bitOffset << 16 | bits);
  }

  public int pointer(int to) {
    return type("", BtfKind.PTR, 0, false, to);
  }

  public int alias(BtfKind kind, String name, int to) {
    return type(name, kind, 0, false, to);
  }

  public int array(int element, int index, int length) {
    return type("", BtfKind.ARRAY, 0, false, 0, element, index, length);
  }

  public int struct(String name, int size, Member... members) {
    return compound(BtfKind.STRUCT, name, size, members);
  }

  public int union(String name, int size, Member... members) {
    return compound(BtfKind.UNION, name, size, members);
  }

  private int compound(BtfKind kind, String name, int size, Member... members) {
    boolean bitFields = List.of(members).stream().anyMatch(member -> member.bits() > 0);
    List<Integer> words = new ArrayList<>();
    for (Member member : members) {
      words.add(string(member.name()));
      words.add(member.type());
      words.add(member.bits() << 24 | member.bitOffset());
    }
    return type(
        name, kind, members.length, bitFields, size, words.stream().mapToInt(i -> i).toArray());
  }

  /** An enum whose first enumerator is 0. */
  public int enumeration(String name, String... enumerators) {
    int[] words = new int[enumerators.length * 2];
    for (int i = 0; i < enumerators.length; i++) {
      words[i * 2] = string(enumerators[i]);
      words[i * 2 + 1] = i;
    }
    return type(name, BtfKind.ENUM, enumerators.length, false, 4, words);
  }

  public int signedEnumerator(String name, int value) {
    return type("", BtfKind.ENUM, 1, true, 4, string(name), value);
  }

  public int enumerator64(String name, long value) {
    return type("", BtfKind.ENUM64, 1, false, 8, string(name), (int) value, (int) (value >> 32));
  }

  public int function(String name) {
    int prototype = type("", BtfKind.FUNC_PROTO, 1, false, 0, string("argument"), 0);
    return type(name, BtfKind.FUNC, 0, false, prototype);
  }

  public int section(String name, int variableType) {
    int variable = type(name + "_variable", BtfKind.VAR, 0, false, variableType, 1);
    return type(name, BtfKind.DATASEC, 1, false, 4, variable, 0, 4);
  }

  /** A type of any kind, right or wrong. */
  public int type(
      String name, BtfKind kind, int entries, boolean flag, int sizeOrType, int... words) {
    put(string(name), (flag ? 1 << 31 : 0) | number(kind) << 24 | entries, sizeOrType);
    put(words);
    return firstType + count++;
  }

  private static int number(BtfKind kind) {
    return List.of(BtfKind.values()).indexOf(kind);
  }

  private void put(int... words) {
    ByteBuffer buffer = ByteBuffer.allocate(words.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (int word : words) {
      buffer.putInt(word);
    }
    types.writeBytes(buffer.array());
  }

  public int string(String text) {
    if (text.isEmpty()) {
      return 0;
    }
    int at = firstString + strings.size();
    strings.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
    strings.write(0);
    return at;
  }

  public int nextType() {
    return firstType + count;
  }

  public int nextString() {
    return firstString + strings.size();
  }

  public byte[] bytes() {
    ByteBuffer header = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    header.putShort((short) 0xeb9f).put((byte) 1).put((byte) 0).putInt(24);
    header.putInt(0).putInt(types.size()).putInt(types.size()).putInt(strings.size());
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(header.array());
    out.writeBytes(types.toByteArray());
    out.writeBytes(strings.toByteArray());
    return out.toByteArray();
  }
}
