package org.lucos.patcher.kernel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Little-endian numbers in byte arrays, bounds-checked by the array. */
final class Little {
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private Little() {}

  /** The 32-bit number at {@code at}. */
  static int i32(byte[] data, int at) {
    return (int) INTS.get(data, at);
  }

  /** The 64-bit number at {@code at}. */
  static long u64(byte[] data, int at) {
    return (long) LONGS.get(data, at);
  }
}
