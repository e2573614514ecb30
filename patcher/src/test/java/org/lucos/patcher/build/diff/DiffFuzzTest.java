package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.refusal.RefusedException;

class DiffFuzzTest {
  private static final int ROUNDS = 6_000;

  @Test
  void damagedObjectsGiveAnImageARefusalOrATypedError() {
    String source =
        """
        extern struct static_key key;
        static int state; int list[3] = { 1, 2, 3 };
        int f(int *p, int x) { static int calls; calls += x; WARN_ON(x); state++;
          alternative("nop; nop; nop", "stac", 3);
          if (static_branch(&key)) return rare(); return get_user(x, p) + list[x]; }
        int g(int x) { return printk("g %d", x) + state; }
        """;
    byte[] good = KernelC.sectionsObject(source).toArray();
    ElfObject original = ElfObject.parse("original", good);
    Random random = new Random(99);
    int images = 0;
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
      byte[] bytes = good.clone();
      for (int j = 0; j <= random.nextInt(3); j++) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      try {
        ElfObject damaged = ElfObject.parse("damaged", bytes);
        boolean swap = random.nextBoolean();
        PatchImage.of(
            List.of(
                ObjectDiff.compare("a.o", swap ? damaged : original, swap ? original : damaged)));
        images++;
      } catch (RefusedException | MalformedDataException e) {
        refused++;
      }
    }
    assertThat(images).isPositive();
    assertThat(refused).isPositive();
  }
}
