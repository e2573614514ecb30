package org.lucos.bridge.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class XenStoreTest {
  private final ByteArrayOutputStream asked = new ByteArrayOutputStream();

  private XenStore answering(byte[] bytes) {
    return new XenStore(
        new ByteChannel() {
          private int at;

          @Override
          public int read(ByteBuffer into) {
            if (at == bytes.length) {
              return -1;
            }
            into.put(bytes[at++]); // one at a time, as slow as a channel may be
            return 1;
          }

          @Override
          public int write(ByteBuffer from) {
            asked.write(from.get());
            return 1;
          }

          @Override
          public boolean isOpen() {
            return true;
          }

          @Override
          public void close() {
            // nothing is open
          }
        });
  }

  private static byte[] message(int type, String text) {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(16 + body.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(type)
        .putInt(0)
        .putInt(0)
        .putInt(body.length)
        .put(body)
        .array();
  }

  @Test
  void valueIsReadByItsPath() throws IOException {
    assertThat(answering(message(2, "web-1")).read("/local/domain/4/name")).contains("web-1");
    assertThat(asked.toByteArray()).isEqualTo(message(2, "/local/domain/4/name\0"));
  }

  @Test
  void whatIsNotThereIsNoFailureAndAllElseIs() throws IOException {
    assertThat(answering(message(16, "ENOENT\0")).read("/a")).isEmpty();
    assertThatThrownBy(() -> answering(message(16, "EACCES\0")).read("/a"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("EACCES");
    assertThatThrownBy(() -> answering(message(7, "x")).read("/a"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("type=7");
    byte[] long1 = message(2, "");
    long1[13] = 0x70;
    assertThatThrownBy(() -> answering(long1).read("/a"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("length=28672");
    assertThatThrownBy(() -> answering(new byte[5]).read("/a")).isInstanceOf(IOException.class);
  }
}
