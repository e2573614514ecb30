package org.lucos.patcher.elf;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.lucos.patcher.bytes.ByteWriter;
import org.lucos.patcher.bytes.Bytes;

/** A string table being written; equal strings share a place. */
final class ElfStrings {
  private final ByteWriter bytes = new ByteWriter().u8(0);
  private final Map<String, Integer> offsets = new HashMap<>();

  ElfStrings() {
    offsets.put("", 0);
  }

  /** The offset of {@code text}, which is added where it is new. */
  int add(String text) {
    return offsets.computeIfAbsent(
        text,
        t -> {
          int offset = bytes.size();
          bytes.bytes(t.getBytes(StandardCharsets.ISO_8859_1)).u8(0);
          return offset;
        });
  }

  Bytes bytes() {
    return bytes.toBytes();
  }
}
