package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.bytes.MalformedDataException;

class KernelImageTest {
  private static final int PHOFF = 64;
  private static final int NOTES = PHOFF + 56;

  /** An ELF file of a header, one PT_NOTE and two notes: Xen's first, as in a real vmlinux. */
  private static byte[] elf() {
    ByteBuffer b = ByteBuffer.allocate(NOTES + 20 + 36).order(ByteOrder.LITTLE_ENDIAN);
    b.put(0, new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
    b.putLong(0x20, PHOFF).putShort(0x36, (short) 56).putShort(0x38, (short) 1);
    b.putInt(PHOFF, 4).putLong(PHOFF + 8, NOTES).putLong(PHOFF + 32, 20 + 36);
    b.position(NOTES);
    b.putInt(4).putInt(4).putInt(3).put(new byte[] {'X', 'e', 'n', 0}).putInt(42);
    b.putInt(4).putInt(20).putInt(3).put(new byte[] {'G', 'N', 'U', 0});
    for (int i = 0; i < 20; i++) {
      b.put((byte) (0xa0 + i));
    }
    return b.array();
  }

  private static byte[] vmlinuz(byte[] payload) {
    int setup = 2 * 512;
    ByteBuffer b = ByteBuffer.allocate(setup + payload.length).order(ByteOrder.LITTLE_ENDIAN);
    b.put(0x1f1, (byte) 1).putInt(0x202, 0x53726448).putShort(0x206, (short) 0x20f);
    b.putInt(0x248, 0).putInt(0x24c, payload.length).put(setup, payload);
    return b.array();
  }

  private static byte[] gzip(byte[] data) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream packed = new GZIPOutputStream(out)) {
      packed.write(data);
    }
    return out.toByteArray();
  }

  @Test
  void readsTheGnuBuildIdAmongOtherNotes() {
    assertThat(BuildId.of("x", elf())).isEqualTo("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3");
  }

  @Test
  void unpacksTheKernelOfABootImage(@TempDir Path folder) throws IOException {
    Path vmlinux = folder.resolve("vmlinux");
    BzImage.extract("x", vmlinuz(gzip(elf())), folder, vmlinux, new ProcessCommands());
    assertThat(Files.readAllBytes(vmlinux)).isEqualTo(elf());
  }

  @Test
  void refusesUnknownCompressionAndOtherFiles(@TempDir Path folder) {
    for (byte[] image : new byte[][] {vmlinuz(new byte[100]), elf(), {}}) {
      assertThatThrownBy(
              () -> BzImage.extract("x", image, folder, folder.resolve("v"), new ProcessCommands()))
          .isInstanceOf(MalformedDataException.class);
    }
  }

  @Test
  void anyMutationGivesAnIdOrAMalformedDataException() throws IOException {
    Random random = new Random(5);
    byte[] image = vmlinuz(gzip(elf()));
    for (int round = 0; round < 20_000; round++) {
      byte[] id = elf();
      byte[] boot = image.clone();
      for (int i = 0; i < 1 + random.nextInt(4); i++) {
        id[random.nextInt(id.length)] = (byte) random.nextInt();
        boot[0x1f0 + random.nextInt(0x60)] = (byte) random.nextInt();
      }
      try {
        assertThat(BuildId.of("fuzz", id)).isNotNull();
      } catch (MalformedDataException e) {
        assertThat(e.source()).isEqualTo("fuzz");
      }
      try {
        assertThat(BzImage.payload("fuzz", boot)).isNotNull();
      } catch (MalformedDataException e) {
        assertThat(e.source()).isEqualTo("fuzz");
      }
    }
  }
}
