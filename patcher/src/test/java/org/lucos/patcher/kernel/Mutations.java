package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.fail;

import java.util.Random;
import java.util.function.Consumer;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.RefusedException;

/** Feeds a parser damaged copies of good input: each must give a value or a typed exception. */
final class Mutations {
  private Mutations() {}

  /** Tries {@code rounds} copies with a few bytes changed, or cut short, in a repeatable way. */
  static void survive(byte[] good, int rounds, Consumer<byte[]> parser) {
    Random random = new Random(20260101);
    for (int round = 0; round < rounds; round++) {
      byte[] bad = good.clone();
      int changes = 1 + random.nextInt(6);
      for (int i = 0; i < changes; i++) {
        bad[random.nextInt(bad.length)] = interesting(random);
      }
      if (random.nextInt(8) == 0) {
        bad = java.util.Arrays.copyOf(bad, random.nextInt(bad.length));
      }
      try {
        parser.accept(bad);
      } catch (MalformedDataException | RefusedException e) {
        // what is wanted of input that makes no sense
      } catch (RuntimeException e) {
        fail("round " + round, e);
      }
    }
  }

  private static byte interesting(Random random) {
    byte[] values = {0, 1, -1, 127, -128, (byte) random.nextInt(256)};
    return values[random.nextInt(values.length)];
  }
}
