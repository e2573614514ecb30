package org.lucos.patcher.guestcall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.guestcall.GuestProgram.Constant;

class CallAreaTest {
  private static final CallArea AREA = new CallArea(new GuestVirtualAddress(0xffffffff82000100L));
  private static final StubSite STUB =
      new StubSite(new GuestVirtualAddress(0xffffffff81fff000L), StubSite.Fill.ZERO);
  private static final GuestVirtualAddress FIRST = new GuestVirtualAddress(0xffffffff81000010L);
  private static final GuestVirtualAddress SECOND = new GuestVirtualAddress(0xffffffff81000020L);

  @Test
  void layoutFitsItsArea() {
    assertThat(CallLayout.HEADS).isGreaterThan(CallLayout.step(CallLayout.MAX_STEPS) + 7);
    assertThat(CallLayout.DATA).isGreaterThanOrEqualTo(CallLayout.head(CallLayout.MAX_HEADS));
    assertThat(CallLayout.CONTROL + CallLayout.CONTROL_ORIGINAL + 8)
        .isLessThanOrEqualTo(CallLayout.RECORD);
    assertThat(CallLayout.DATA_SIZE).isGreaterThanOrEqualTo(512);
  }

  @Test
  void resultsAreRoutedToLaterArgumentsAndData() {
    GuestProgram.Builder program = GuestProgram.named("chain");
    GuestProgram.Address blob = program.data(new byte[16]);
    GuestProgram.Result result = program.call(FIRST, new Constant(7));
    program.store(result, blob, 8);
    program.call(SECOND, blob, result);

    ByteBuffer image = image(program.build());
    int first = CallLayout.step(0);
    int second = CallLayout.step(1);
    assertThat(image.getLong(first)).isEqualTo(FIRST.value());
    assertThat(image.getLong(first + CallLayout.STEP_ARGUMENTS)).isEqualTo(7);
    assertThat(image.getLong(first + CallLayout.STEP_OUT))
        .isEqualTo(AREA.address().value() + second + CallLayout.STEP_ARGUMENTS + 8);
    assertThat(image.getLong(first + CallLayout.STEP_OUT + 8))
        .isEqualTo(AREA.address().value() + CallLayout.DATA + 8);
    assertThat(image.getLong(second + CallLayout.STEP_ARGUMENTS))
        .isEqualTo(AREA.address().value() + CallLayout.DATA);
    assertThat(image.getLong(CallLayout.step(2))).as("the end").isZero();
  }

  @Test
  void headsBeginAsTheKernelsCallbackHeads() {
    GuestProgram.Builder program = GuestProgram.named("one");
    program.call(FIRST);
    ByteBuffer image = image(program.build());
    int head = CallLayout.head(1);
    assertThat(image.getLong(head)).isEqualTo(0x3333);
    assertThat(image.getLong(head + 8)).isEqualTo(STUB.address().value());
    assertThat(image.getLong(head + CallLayout.HEAD_RECORD)).isEqualTo(AREA.record().value());
    assertThat(image.getLong(CallLayout.HEAD_COUNT)).isEqualTo(2);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    GuestProgram.Builder large = GuestProgram.named("large");
    large.data(new byte[CallLayout.DATA_SIZE + 1]);
    assertThatThrownBy(() -> image(large.build())).hasMessageContaining("large");
    GuestProgram.Builder lengthy = GuestProgram.named("lengthy");
    for (int i = 0; i <= CallLayout.MAX_STEPS; i++) {
      lengthy.call(FIRST);
    }
    assertThatThrownBy(() -> image(lengthy.build())).hasMessageContaining("lengthy");
  }

  private static ByteBuffer image(GuestProgram program) {
    List<CallArea.Head> heads =
        List.of(new CallArea.Head(0, 0, 0), new CallArea.Head(0x1111, 0x2222, 0x3333));
    byte[] image = AREA.image(program, STUB, 1, heads, BorrowedWorker.Setup.UNUSED);
    return ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
  }
}
