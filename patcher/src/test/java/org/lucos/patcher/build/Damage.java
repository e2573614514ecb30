package org.lucos.patcher.build;

import java.util.Arrays;
import java.util.Random;

/** What happens to files on their way, and what is done to them on purpose. */
public final class Damage {
  private Damage() {}

  /** A damaged copy: flipped bits, changed bytes, a part missing, doubled or moved. */
  public static byte[] any(byte[] good, Random random) {
    return switch (random.nextInt(5)) {
      case 0 -> Arrays.copyOf(good, random.nextInt(good.length));
      case 1 -> flipped(good, random);
      case 2 -> spliced(good, random);
      case 3 -> Arrays.copyOf(good, good.length + 1 + random.nextInt(100));
      default -> changed(good, random);
    };
  }

  private static byte[] flipped(byte[] good, Random random) {
    byte[] bytes = good.clone();
    bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
    return bytes;
  }

  private static byte[] changed(byte[] good, Random random) {
    byte[] bytes = good.clone();
    for (int i = 0; i <= random.nextInt(4); i++) {
      // headers and tables are at both ends
      int at =
          switch (random.nextInt(3)) {
            case 0 -> random.nextInt(Math.min(100, bytes.length));
            case 1 -> bytes.length - 1 - random.nextInt(Math.min(1024, bytes.length));
            default -> random.nextInt(bytes.length);
          };
      bytes[at] = (byte) (random.nextBoolean() ? random.nextInt(256) : random.nextInt(3) - 1);
    }
    return bytes;
  }

  /** Takes a piece out and puts another in its place. */
  private static byte[] spliced(byte[] good, Random random) {
    int out = random.nextInt(good.length);
    int gone = random.nextInt(Math.min(200, good.length - out));
    int in = random.nextInt(good.length);
    int length = random.nextInt(Math.min(200, good.length - in));
    byte[] bytes = Arrays.copyOf(good, good.length - gone + length);
    System.arraycopy(good, in, bytes, out, length);
    System.arraycopy(good, out + gone, bytes, out + length, good.length - out - gone);
    return bytes;
  }
}
