package org.lucos.patcher.build;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.ByteWriter;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The archive of a bundle: a ZIP file (PKWARE APPNOTE 6.3, 4.3) any tool can list, in which names,
 * contents and their order determine every byte. Entries are stored as they are, without times,
 * attributes, comments or extra fields. A reader takes nothing else, so that there is no place in a
 * bundle where something could hide, and content cannot be larger than the file.
 */
final class BundleArchive {
  static final int MOST_ENTRIES = 10_000;

  /** {@code PK\5\6}, the record at the end; {@code PK\3\4} before an entry. */
  static final int END = 0x06054b50;

  static final int LOCAL = 0x04034b50;
  static final int END_SIZE = 22;

  private static final int DIRECTORY = 0x02014b50;
  private static final int VERSION = 10;
  private static final int STORED = 0;
  private static final int MIDNIGHT = 0;
  private static final int FIRST_OF_JANUARY_1980 = 1 << 5 | 1;
  private static final int ENCRYPTED = 1;
  private static final int LOCAL_SIZE = 30;
  private static final Pattern NAME =
      Pattern.compile("(?!\\.{1,2}(/|$))[A-Za-z0-9_.+-]+(/(?!\\.{1,2}(/|$))[A-Za-z0-9_.+-]+)*");
  private static final int LONGEST_NAME = 255;

  private BundleArchive() {}

  /** Whether an entry may have this name: relative, and nowhere above its own folder. */
  static boolean isName(String name) {
    return name.length() <= LONGEST_NAME && NAME.matcher(name).matches();
  }

  /** The archive with these entries in this order. */
  static byte[] write(Map<String, Bytes> entries) {
    ByteWriter out = new ByteWriter();
    for (Map.Entry<String, Bytes> entry : entries.entrySet()) {
      if (!isName(entry.getKey())) {
        throw new IllegalArgumentException("no entry name: '" + entry.getKey() + "'");
      }
      out.bytes(header(entry.getKey(), entry.getValue())).bytes(entry.getValue());
    }
    return out.bytes(directory(entries)).toArray();
  }

  /**
   * The entries of an archive, in their order.
   *
   * @param source what errors call it
   * @throws MalformedDataException if it is not byte for byte what {@link #write} makes of them
   */
  static Map<String, Bytes> read(String source, byte[] file) {
    ByteCursor cursor = new ByteCursor(source, file);
    Map<String, Bytes> entries = new LinkedHashMap<>();
    while (cursor.remaining() >= LOCAL_SIZE && isLocal(cursor)) {
      if (entries.size() == MOST_ENTRIES) {
        throw cursor.malformed("more than " + MOST_ENTRIES + " entries");
      }
      readEntry(cursor, entries);
    }
    byte[] wanted = directory(entries);
    int at = cursor.position();
    byte[] found = cursor.bytes(cursor.remaining());
    int differs = Arrays.mismatch(wanted, found);
    if (entries.isEmpty()) {
      throw new MalformedDataException(source, at, "no ZIP archive");
    }
    if (differs == wanted.length) {
      throw new MalformedDataException(source, at + differs, "bytes behind the end of the archive");
    }
    if (differs >= 0) {
      throw new MalformedDataException(
          source, at + differs, "the directory is not that of the entries before it");
    }
    return entries;
  }

  private static boolean isLocal(ByteCursor cursor) {
    int at = cursor.position();
    boolean local = cursor.i32() == LOCAL;
    cursor.seek(at);
    return local;
  }

  private static void readEntry(ByteCursor cursor, Map<String, Bytes> entries) {
    int start = cursor.position();
    cursor.skip(6);
    int flags = cursor.u16();
    int method = cursor.u16();
    cursor.skip(8);
    long packed = cursor.u32();
    long size = cursor.u32();
    int nameLength = cursor.u16();
    cursor.skip(2);
    String name = new String(cursor.bytes(nameLength), StandardCharsets.ISO_8859_1);
    if (!isName(name)) {
      throw new MalformedDataException(cursor.source(), start, "unsafe entry name: '" + name + "'");
    }
    if ((flags & ENCRYPTED) != 0) {
      throw new MalformedDataException(cursor.source(), start, "encrypted entry: " + name);
    }
    if (method != STORED || packed != size) {
      throw new MalformedDataException(
          cursor.source(), start, "compressed entry: " + name + ", method=" + method);
    }
    if (entries.containsKey(name)) {
      throw new MalformedDataException(cursor.source(), start, "entry twice: " + name);
    }
    int contentStart = cursor.position();
    Bytes content = Bytes.of(cursor.bytes(size));
    cursor.seek(start);
    byte[] header = cursor.bytes((long) contentStart - start);
    int differs = Arrays.mismatch(header, header(name, content));
    if (differs >= 0) {
      throw new MalformedDataException(
          cursor.source(), start + differs, "unexpected header, or damaged content, of " + name);
    }
    cursor.skip(size);
    entries.put(name, content);
  }

  private static byte[] header(String name, Bytes content) {
    ByteWriter out = new ByteWriter().u32(LOCAL);
    common(out, name, content);
    return out.bytes(name.getBytes(StandardCharsets.US_ASCII)).toArray();
  }

  /** What the record before an entry and the one in the directory have in common. */
  private static void common(ByteWriter out, String name, Bytes content) {
    CRC32 sum = new CRC32();
    sum.update(content.toArray());
    out.u16(VERSION)
        .u16(0)
        .u16(STORED)
        .u16(MIDNIGHT)
        .u16(FIRST_OF_JANUARY_1980)
        .u32((int) sum.getValue())
        .u32(content.size())
        .u32(content.size())
        .u16(name.length())
        .u16(0);
  }

  private static byte[] directory(Map<String, Bytes> entries) {
    ByteWriter out = new ByteWriter();
    int offset = 0;
    for (Map.Entry<String, Bytes> entry : entries.entrySet()) {
      String name = entry.getKey();
      out.u32(DIRECTORY).u16(VERSION);
      common(out, name, entry.getValue());
      // comment length, disk, internal and external attributes
      out.u16(0).u16(0).u16(0).u32(0).u32(offset);
      out.bytes(name.getBytes(StandardCharsets.US_ASCII));
      offset += LOCAL_SIZE + name.length() + entry.getValue().size();
    }
    int size = out.size();
    int count = entries.size();
    return out.u32(END).u16(0).u16(0).u16(count).u16(count).u32(size).u32(offset).u16(0).toArray();
  }
}
