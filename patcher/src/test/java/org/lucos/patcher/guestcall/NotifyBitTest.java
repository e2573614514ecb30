package org.lucos.patcher.guestcall;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NotifyBitTest {
  // lock bts $1,(%rdi); lock bts $17,(%rdi), as compilers write set_tsk_thread_flag()
  private static final String SMP = "85d27408f0480fba2f017342f0480fba2f1172e8c3cccccccccc";

  @Test
  void theSmallerOfTheTwoBitsIsNotifyResume() {
    assertThat(NotifyBit.find(bytes(SMP))).hasValue(1);
    assertThat(NotifyBit.findSignal(bytes(SMP))).as("the other is NOTIFY_SIGNAL").hasValue(17);
    assertThat(NotifyBit.findSignal(new byte[0])).isEmpty();
  }

  @Test
  void lockPrefixesOverwrittenOnOneCpuDoNotMatter() {
    assertThat(NotifyBit.find(bytes(SMP.replace("f048", "3e48")))).hasValue(1);
  }

  @Test
  void anythingElseThanTwoBitsIsNoAnswer() {
    assertThat(NotifyBit.find(bytes("f0480fba2f01c3cccccccccccc"))).isEmpty();
    assertThat(NotifyBit.find(bytes(SMP + "f0480fba2f0590909090909090"))).isEmpty();
    assertThat(NotifyBit.find(new byte[0])).isEmpty();
  }

  @Test
  void anyBytesGiveAnAnswerOrNone() {
    Random random = new Random(11);
    for (int i = 0; i < 20_000; i++) {
      byte[] code = bytes(SMP);
      for (int j = 0; j < 3; j++) {
        code[random.nextInt(code.length)] = (byte) random.nextInt();
      }
      NotifyBit.find(code).ifPresent(bit -> assertThat(bit).isBetween(0, 63));
    }
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex);
  }
}
