package org.lucos.bridge.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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
  void namesBelowAPathAreListed() throws IOException {
    assertThat(answering(message(1, "0\0001\0")).list("/local/domain/0/backend/console/4"))
        .containsExactly("0", "1");
    assertThat(asked.toByteArray()).isEqualTo(message(1, "/local/domain/0/backend/console/4\0"));
    assertThat(answering(message(1, "")).list("/a")).isEmpty();
    assertThat(answering(message(16, "ENOENT\0")).list("/a")).isEmpty();
    assertThatThrownBy(() -> answering(message(2, "0\0")).list("/a"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("type=2");
  }

  /** Answers in this order: the consoles, and then of each its name, connection and path. */
  private static byte[] store(String... answers) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(message(1, answers[0]));
    for (int i = 1; i < answers.length; i++) {
      all.writeBytes(answers[i].isEmpty() ? message(16, "ENOENT\0") : message(2, answers[i]));
    }
    return all.toByteArray();
  }

  @Test
  void channelIsFoundByItsName() throws IOException {
    XenStore two = answering(store("0\0001\0002\0", "", "other", "agent", "socket", "/run/agent"));
    assertThat(XenChannels.socket(two, 4, "agent")).contains(Path.of("/run/agent"));
    assertThat(asked.toString(StandardCharsets.UTF_8))
        .contains("/local/domain/0/backend/console/4/2/path");
    // neither a terminal nor a path that is none will do
    assertThat(XenChannels.socket(answering(store("1\0", "agent", "pty")), 4, "agent")).isEmpty();
    assertThat(XenChannels.socket(answering(store("1\0", "agent", "socket", "x")), 4, "agent"))
        .isEmpty();
    assertThat(XenChannels.socket(answering(store("")), 4, "agent")).isEmpty();
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
