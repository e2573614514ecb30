package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.bytes.MalformedDataException;

class MovedKernelTest {
  private static final long BASE = 0xffffffff81000000L;
  private static final long DISTANCE = 0x2400_0000L;
  private static final int TEXT = 64;
  private static final int SIZE = 32;
  private static final int NAMES = TEXT + SIZE;
  private static final int TABLE = 112;

  /** One section of 32 bytes with an address of each kind, and lists of places behind it. */
  private static byte[] kernel(int... words) {
    ByteBuffer b = ByteBuffer.allocate(TABLE + 3 * 64 + 4 * words.length);
    b.order(ByteOrder.LITTLE_ENDIAN);
    b.put(0, new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
    b.putLong(0x28, TABLE).putShort(0x3a, (short) 64).putShort(0x3c, (short) 3);
    b.putShort(0x3e, (short) 2);
    b.putLong(TEXT, BASE + 0x10).putInt(TEXT + 8, (int) (BASE + 0x20)).putInt(TEXT + 16, -0x100);
    b.put(NAMES, new byte[] {0, '.', 't', 'e', 'x', 't', 0});
    b.putInt(TABLE + 64, 1).putInt(TABLE + 68, 1).putLong(TABLE + 80, BASE);
    b.putLong(TABLE + 88, TEXT).putLong(TABLE + 96, SIZE);
    b.putInt(TABLE + 132, 3).putLong(TABLE + 152, NAMES).putLong(TABLE + 160, 7);
    for (int i = 0; i < words.length; i++) {
      b.putInt(TABLE + 3 * 64 + 4 * i, words[i]);
    }
    return b.array();
  }

  private static ByteBuffer text(byte[] file) {
    KernelImage image = KernelImage.moved("test", file, DISTANCE);
    return ByteBuffer.wrap(image.content(image.section(".text").orElseThrow()))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Test
  void eachKindOfAddressMovesItsWay() {
    int base = (int) BASE;
    ByteBuffer text = text(kernel(0, base, 0, base + 16, 0, base + 8));
    assertThat(text.getLong(0)).isEqualTo(BASE + 0x10 + DISTANCE);
    assertThat(text.getInt(8)).isEqualTo((int) (BASE + 0x20 + DISTANCE));
    assertThat(text.getInt(16)).isEqualTo((int) (-0x100 - DISTANCE));
  }

  @Test
  void kernelsWithoutTheListOfDistancesAreReadToo() {
    int base = (int) BASE;
    ByteBuffer text = text(kernel(0, base, 0, base + 8));
    assertThat(text.getLong(0)).isEqualTo(BASE + 0x10 + DISTANCE);
    assertThat(text.getInt(8)).isEqualTo((int) (BASE + 0x20 + DISTANCE));
    assertThat(text.getInt(16)).isEqualTo(-0x100);
  }

  @Test
  void whatIsNoListIsRefused() {
    int base = (int) BASE;
    for (int[] words :
        new int[][] {{base}, {0, base}, {0, 0, 0, 0}, {0, base + SIZE - 7, 0, base}}) {
      assertThatThrownBy(() -> text(kernel(words)))
          .as(Arrays.toString(words))
          .isInstanceOf(MalformedDataException.class);
    }
  }

  @Test
  void anyBytesGiveAnImageOrATypedError() {
    Random random = new Random(5);
    int base = (int) BASE;
    byte[] whole = kernel(0, base, 0, base + 16, 0, base + 8);
    int read = 0;
    for (int round = 0; round < 50_000; round++) {
      byte[] damaged = Arrays.copyOf(whole, whole.length - random.nextInt(4) * random.nextInt(9));
      for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      try {
        KernelImage image = KernelImage.moved("test", damaged, DISTANCE);
        image.sections().forEach(image::content);
        read++;
      } catch (MalformedDataException e) {
        assertThat(e).hasMessageContaining("test");
      }
    }
    assertThat(read).isBetween(1, 49_999);
  }
}
