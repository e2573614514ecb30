package org.lucos.patcher.build;

import java.util.HexFormat;
import java.util.Optional;
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The GNU build-id in the notes of an ELF64 file. A vmlinux has more notes (Xen's, Linux's): name
 * and type decide, not the order.
 */
final class BuildId {
  private static final long ELF_MAGIC = 0x464c457f;
  private static final int PHOFF = 0x20;
  private static final int PHENTSIZE = 0x36;
  private static final int PT_NOTE = 4;
  private static final int NT_GNU_BUILD_ID = 3;
  private static final int ALIGN = 4;

  private BuildId() {}

  /** The build-id as lower-case hex, as VMCOREINFO and {@code file} print it. */
  static String of(String source, byte[] elf) {
    ByteCursor cursor = new ByteCursor(source, elf);
    if (cursor.seek(0).u32() != ELF_MAGIC) {
      throw new MalformedDataException(source, 0, "no ELF file");
    }
    long table = cursor.seek(PHOFF).u64();
    int entrySize = cursor.seek(PHENTSIZE).u16();
    int entries = cursor.u16();
    for (int i = 0; i < entries; i++) {
      long header = table + (long) i * entrySize;
      if (cursor.seek(header).u32() == PT_NOTE) {
        long offset = cursor.seek(header + 8).u64();
        long size = cursor.seek(header + 32).u64();
        Optional<String> id = inNotes(cursor.slice(source, offset, size));
        if (id.isPresent()) {
          return id.get();
        }
      }
    }
    throw new MalformedDataException(source, table, "no GNU build-id");
  }

  private static Optional<String> inNotes(ByteCursor notes) {
    while (notes.remaining() >= 12) {
      long nameSize = notes.u32();
      long valueSize = notes.u32();
      long type = notes.u32();
      byte[] name = padded(notes, nameSize);
      byte[] value = padded(notes, valueSize);
      boolean gnu = name.length == 4 && name[0] == 'G' && name[1] == 'N' && name[2] == 'U';
      if (gnu && type == NT_GNU_BUILD_ID) {
        return Optional.of(HexFormat.of().formatHex(value));
      }
    }
    return Optional.empty();
  }

  private static byte[] padded(ByteCursor notes, long size) {
    byte[] bytes = notes.bytes(size);
    long padding = -size & (ALIGN - 1);
    notes.skip(Math.min(padding, notes.remaining()));
    return bytes;
  }
}
