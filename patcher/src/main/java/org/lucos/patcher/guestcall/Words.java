package org.lucos.patcher.guestcall;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** 64-bit words as a guest stores them. */
final class Words {
  private Words() {}

  static byte[] bytes(long word) {
    return buffer(8).putLong(word).array();
  }

  static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
