package org.lucos.patcher.elf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.diff.KernelC;
import org.lucos.patcher.bytes.MalformedDataException;

class ElfFuzzTest {
  private static final int ROUNDS = 20_000;

  @Test
  void anyBytesGiveAnObjectOrATypedError() {
    byte[] good =
        KernelC.sectionsObject("int f(int x) { WARN_ON(x); return printk(\"f\", x); }\n").toArray();
    Random random = new Random(20261120);
    int accepted = 0;
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
      byte[] bytes = mutated(good, random);
      try {
        ElfObject object = ElfObject.parse("fuzz", bytes);
        object.sections().forEach(object::relocations);
        accepted++;
      } catch (MalformedDataException e) {
        assertThat(e.source()).startsWith("fuzz");
        refused++;
      }
    }
    assertThat(accepted).isPositive();
    assertThat(refused).isPositive();
  }

  private static byte[] mutated(byte[] good, Random random) {
    byte[] bytes = good.clone();
    if (random.nextInt(8) == 0) {
      return Arrays.copyOf(bytes, random.nextInt(bytes.length));
    }
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      // headers and tables are at both ends
      int at =
          switch (random.nextInt(3)) {
            case 0 -> random.nextInt(64);
            case 1 -> bytes.length - 1 - random.nextInt(1024);
            default -> random.nextInt(bytes.length);
          };
      bytes[at] = (byte) (random.nextBoolean() ? random.nextInt(256) : random.nextInt(3) - 1);
    }
    return bytes;
  }
}
