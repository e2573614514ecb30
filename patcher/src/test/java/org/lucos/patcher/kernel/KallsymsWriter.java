package org.lucos.patcher.kernel;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Writes kallsyms tables: tokens are single characters and a few pairs. */
final class KallsymsWriter {
  private static final String[] PAIRS = {"__", "sy", "s_", "t_", "T_", "in", "st", "ex"};

  private KallsymsWriter() {}

  /** Tables of these symbols, with per-CPU symbols absolute as on SMP, or all relative. */
  static Kallsyms.Tables write(List<KernelSymbol> symbols, long base, boolean signed) {
    List<KernelSymbol> sorted = new ArrayList<>(symbols);
    sorted.sort(Comparator.comparing(KernelSymbol::address));
    ByteBuffer index = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
    ByteArrayOutputStream table = new ByteArrayOutputStream();
    for (int token = 0; token < 256; token++) {
      index.putShort((short) table.size());
      table.writeBytes(token(token).getBytes(StandardCharsets.ISO_8859_1));
      table.write(0);
    }
    ByteArrayOutputStream names = new ByteArrayOutputStream();
    ByteBuffer offsets = ByteBuffer.allocate(sorted.size() * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (KernelSymbol symbol : sorted) {
      byte[] name = compress(symbol.type() + symbol.name());
      if (name.length < 0x80) {
        names.write(name.length);
      } else {
        names.write((name.length & 0x7f) | 0x80);
        names.write(name.length >> 7);
      }
      names.writeBytes(name);
      long address = symbol.address().value();
      boolean absolute = signed && address >= 0;
      offsets.putInt((int) (absolute ? address : signed ? base - 1 - address : address - base));
    }
    return new Kallsyms.Tables(
        sorted.size(),
        names.toByteArray(),
        table.toByteArray(),
        index.array(),
        offsets.array(),
        base);
  }

  /** Pairs take the numbers of characters that names never have. */
  private static String token(int token) {
    return token >= 128 && token - 128 < PAIRS.length
        ? PAIRS[token - 128]
        : Character.toString((char) Math.max(token, 1));
  }

  private static byte[] compress(String text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int at = 0;
    while (at < text.length()) {
      int token = text.charAt(at);
      for (int pair = 0; pair < PAIRS.length; pair++) {
        if (text.startsWith(PAIRS[pair], at)) {
          token = 128 + pair;
        }
      }
      out.write(token);
      at += token < 128 ? 1 : 2;
    }
    return out.toByteArray();
  }
}
