package org.lucos.patcher.guestcall;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;

class KickAreaTest {
  private static final int HALF = 8 * 1024;
  private static final long BASE = 0xffffffff82001000L;
  private static final KickArea AREA = new KickArea(new GuestVirtualAddress(BASE));
  private static final StubSite STUB =
      new StubSite(new GuestVirtualAddress(0xffffffff81fff000L), StubSite.Fill.ZERO);
  private static final KickArea.Functions FUNCTIONS = new KickArea.Functions(0x51, 0x52, 0x53);
  private static final List<Long> SLEEPS = List.of(10L, 20L, 30L, 40L);

  @Test
  void fitsBesideACallsAreaInTheIdleStack() {
    assertThat(KickArea.place(new byte[HALF], 0x100)).hasValue(0x900);
    assertThat(0x900 + KickLayout.SIZE).isLessThanOrEqualTo(HALF);
    assertThat(SLEEPS).hasSize(KickLayout.SLEEPS);
  }

  @Test
  void isFoundAgainByItsMarkAndNeverPutOnOtherBytes() {
    byte[] used = new byte[HALF];
    words(used).putLong(0xa00, KickLayout.MAGIC);
    assertThat(KickArea.place(used, 0x100)).hasValue(0xa00);
    byte[] foreign = new byte[HALF];
    for (int at = 0x1000; at < HALF; at += 0x800) {
      foreign[at] = 1;
    }
    assertThat(KickArea.place(foreign, 0x100)).isEmpty();
  }

  @Test
  void everyTaskHasAHeadARecordAndSleepsOfItsOwnThatEnd() {
    ByteBuffer image = image(KickLayout.MAX_TASKS);
    for (int i = 0; i < KickLayout.MAX_TASKS; i++) {
      int head = KickLayout.park(i);
      assertThat(image.getLong(head + CallLayout.HEAD_NEXT)).isEqualTo(300 + i);
      assertThat(image.getLong(head + CallLayout.HEAD_FUNC)).isEqualTo(STUB.address().value());
      assertThat(image.getLong(head + CallLayout.HEAD_RECORD))
          .isEqualTo(BASE + head + CallLayout.HEAD_SIZE);
      assertThat(image.getLong(head + CallLayout.HEAD_MM_FIELD)).isEqualTo(200 + i);
      for (int sleep = 0; sleep < KickLayout.SLEEPS; sleep++) {
        int step = KickLayout.step(head, sleep);
        assertThat(image.getLong(step)).isEqualTo(FUNCTIONS.sleeper());
        assertThat(image.getLong(step + CallLayout.STEP_ARGUMENTS)).isEqualTo(SLEEPS.get(sleep));
        for (int out = 0; out < CallLayout.STEP_OUTS; out++) {
          assertThat(image.getLong(step + CallLayout.STEP_OUT + 8 * out))
              .isEqualTo(BASE + step + CallLayout.STEP_RESULT);
        }
      }
      assertThat(image.getLong(KickLayout.step(head, KickLayout.SLEEPS))).as("the end").isZero();
      int next = i + 1 == KickLayout.MAX_TASKS ? KickLayout.SIZE : KickLayout.park(i + 1);
      assertThat(KickLayout.step(head, KickLayout.SLEEPS) + 8).isEqualTo(next);
    }
  }

  @Test
  void theWakerQueuesEveryTaskAndThenWakesTheQueue() {
    for (int tasks : new int[] {0, 1, KickLayout.MAX_TASKS}) {
      ByteBuffer image = image(tasks);
      long queue = BASE + KickLayout.QUEUE;
      for (int i = 0; i < tasks; i++) {
        int step = KickLayout.step(KickLayout.WAKER, i);
        assertThat(image.getLong(step)).isEqualTo(FUNCTIONS.adder());
        assertThat(image.getLong(step + CallLayout.STEP_ARGUMENTS)).isEqualTo(queue);
        assertThat(image.getLong(step + CallLayout.STEP_ARGUMENTS + 8)).isEqualTo(100 + i);
      }
      int last = KickLayout.step(KickLayout.WAKER, tasks);
      assertThat(image.getLong(last)).isEqualTo(FUNCTIONS.waker());
      assertThat(image.getLong(last + CallLayout.STEP_ARGUMENTS)).isEqualTo(queue);
      assertThat(image.getLong(last + CallLayout.STEP_SIZE)).as("the end").isZero();
      assertThat(image.getLong(KickLayout.QUEUE)).as("an empty queue").isEqualTo(1);
      assertThat(image.getLong(KickLayout.QUEUE + 8)).isEqualTo(queue);
    }
    assertThat(KickLayout.step(KickLayout.WAKER, KickLayout.MAX_TASKS + 1) + 8)
        .isEqualTo(KickLayout.park(0));
  }

  private static ByteBuffer image(int tasks) {
    List<CallArea.Head> heads =
        java.util.stream.IntStream.range(0, tasks)
            .mapToObj(i -> new CallArea.Head(100 + i, 200 + i, 300 + i))
            .toList();
    return words(AREA.image(heads, STUB, FUNCTIONS, SLEEPS));
  }

  private static ByteBuffer words(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
