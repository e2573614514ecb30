package org.lucos.patcher.guestcall;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;

class StubCodeTest {
  private static final long CONTROL = 0xffffffff_81234560L;
  private static final byte[] CODE = StubCode.assemble(new GuestVirtualAddress(CONTROL));

  @Test
  void isWholeInstructionsFromEachEntryToTheEnd() {
    TreeSet<Integer> starts = new TreeSet<>();
    int at = 0;
    while (at < CODE.length) {
      Instruction instruction = Decoder.decode(CODE, at, at);
      assertThat(instruction.kind()).as("at %x", at).isNotEqualTo(Instruction.Kind.UNKNOWN);
      starts.add(at);
      at += instruction.length();
    }
    assertThat(at).isEqualTo(StubCode.SIZE);
    assertThat(starts).contains(StubCode.PROGRAM, StubCode.BORROWED, StubCode.PROGRAM_SIZE);
    for (int start : starts) {
      Decoder.decode(CODE, start, start)
          .target()
          .ifPresent(target -> assertThat(starts).contains((int) target));
    }
  }

  @Test
  void bothEntriesAreLandingPadsForIndirectBranches() {
    for (int entry : new int[] {StubCode.PROGRAM, StubCode.BORROWED}) {
      assertThat(Arrays.copyOfRange(CODE, entry, entry + 4))
          .containsExactly(0xf3, 0x0f, 0x1e, 0xfa);
    }
  }

  @Test
  void holdsTheAddressOfItsControlBlockOnce() {
    byte[] other = StubCode.assemble(new GuestVirtualAddress(0));
    int first = Arrays.mismatch(CODE, other);
    assertThat(ByteBuffer.wrap(CODE).order(ByteOrder.LITTLE_ENDIAN).getLong(first))
        .isEqualTo(CONTROL);
    assertThat(Arrays.copyOfRange(CODE, first + 8, CODE.length))
        .isEqualTo(Arrays.copyOfRange(other, first + 8, other.length));
    assertThat(first).isGreaterThan(StubCode.PROGRAM_SIZE);
  }

  @Test
  void isRecognisedWhateverItsControlBlock() {
    byte[] memory = new byte[512];
    System.arraycopy(CODE, 0, memory, 96, CODE.length);
    assertThat(StubSite.isStub(memory, 96)).isTrue();
    assertThat(StubSite.isStub(memory, 95)).isFalse();
  }
}
