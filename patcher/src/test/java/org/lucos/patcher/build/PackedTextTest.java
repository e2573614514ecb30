package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.bytes.MalformedDataException;

class PackedTextTest {
  @TempDir private Path folder;

  @Test
  void everyCharacterComesBack() {
    StringBuilder text = new StringBuilder();
    for (char c = 0; c < 256; c++) {
      text.append(c).append("\r\n");
    }
    Path file = folder.resolve("text.gz");
    PackedText.write(file, text.toString());
    assertThat(PackedText.read(file)).isEqualTo(text.toString());
    assertThat(file).isRegularFile();
  }

  @Test
  void aDamagedFileIsNamed() throws IOException {
    Path file = folder.resolve("text.gz");
    PackedText.write(file, "int x;".repeat(1000));
    byte[] packed = Files.readAllBytes(file);
    for (int length = 0; length < packed.length; length++) {
      Files.write(file, Arrays.copyOf(packed, length));
      assertThatThrownBy(() -> PackedText.read(file))
          .isInstanceOf(MalformedDataException.class)
          .hasMessageContaining(file.toString());
    }
  }
}
