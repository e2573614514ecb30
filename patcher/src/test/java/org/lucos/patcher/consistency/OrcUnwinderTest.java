package org.lucos.patcher.consistency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.patcher.consistency.SyntheticGuest.PT_REGS;
import static org.lucos.patcher.consistency.SyntheticGuest.REGS_IP;
import static org.lucos.patcher.consistency.SyntheticGuest.TEXT;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.consistency.LiveStack.Span;
import org.lucos.patcher.consistency.OrcUnwinder.Frame;
import org.lucos.patcher.consistency.OrcUnwinder.Walk;
import org.lucos.patcher.kernel.OrcEntry;
import org.lucos.patcher.kernel.OrcEntry.Base;
import org.lucos.patcher.kernel.OrcEntry.Kind;

/** Steps of the unwinder that real stacks rarely show; whole stacks are checked on real guests. */
class OrcUnwinderTest {
  private static final long STACK = 0xffffc90000000000L;
  private static final int WORDS = 128;
  private static final long TOP = STACK + 8 * WORDS;
  private static final long A = TEXT + 0x100;
  private static final long B = TEXT + 0x200;
  private static final long END = TEXT + 0x300;

  private final TreeMap<Long, OrcEntry> tables = new TreeMap<>();
  private final long[] words = new long[WORDS];
  private final LiveStack stack = new LiveStack(List.of(new Span(STACK, words, 0, WORDS)));

  private static final OrcUnwinder.Hijacks NONE =
      new OrcUnwinder.Hijacks() {
        @Override
        public boolean isTrampoline(long address) {
          return false;
        }

        @Override
        public OptionalLong truth(long trampoline, long slot) {
          return OptionalLong.empty();
        }
      };

  private void put(long at, long word) {
    words[(int) ((at - STACK) / 8)] = word;
  }

  private void text(long start, Base stackBase, int offset, Base frameBase, int frame, Kind kind) {
    tables.put(start, new OrcEntry(stackBase, offset, frameBase, frame, kind, kind != Kind.CALL));
    tables.put(start + 0x100, SyntheticGuest.undefined());
  }

  private Walk walk(MachineState start) {
    OrcUnwinder.Tables lookup =
        ip -> Optional.ofNullable(tables.floorEntry(ip.value())).map(entry -> entry.getValue());
    return new OrcUnwinder(lookup, SyntheticGuest.frames(), Set.of()).running(stack, start, NONE);
  }

  private static MachineState at(long ip, long sp, long bp) {
    return new MachineState(ip, sp, bp, true, new MachineState.Scratch(1, 2, 3, 4, bp));
  }

  private void endAt(long start) {
    text(start, Base.UNDEFINED, 0, Base.UNDEFINED, 0, Kind.END_OF_STACK);
  }

  @Test
  void framePointersAreFollowed() {
    text(A, Base.BP, 16, Base.PREVIOUS_SP, -16, Kind.CALL);
    text(B, Base.BP, 16, Base.PREVIOUS_SP, -16, Kind.CALL);
    endAt(END);
    long inner = TOP - PT_REGS - 0x80;
    long outer = TOP - PT_REGS - 0x10;
    put(inner, outer);
    put(inner + 8, B + 4);
    put(outer + 8, END + 4);
    Walk walk = walk(at(A + 8, inner - 0x40, inner));
    assertThat(walk.problem()).isEmpty();
    assertThat(walk.frames())
        .containsExactly(
            new Frame(A + 8, true, 0),
            new Frame(B + 4, false, inner + 8),
            new Frame(END + 4, false, outer + 8));
  }

  @Test
  void anIndirectBaseIsReadFromTheStack() {
    text(A, Base.SP_INDIRECT, 8, Base.UNDEFINED, 0, Kind.CALL);
    endAt(END);
    long sp = TOP - PT_REGS - 0x80;
    put(sp, TOP - PT_REGS - 8);
    put(TOP - PT_REGS - 8, END + 4);
    assertThat(walk(at(A + 8, sp, 0)).problem()).isEmpty();
  }

  @Test
  void registersOfInterruptedCodeAreUsed() {
    text(A, Base.SP, 0, Base.UNDEFINED, 0, Kind.REGS);
    text(B, Base.R10, 0, Base.UNDEFINED, 0, Kind.CALL);
    endAt(END);
    long sp = TOP - 2 * PT_REGS - 0x40;
    put(sp + REGS_IP, B + 4);
    put(sp + 136, 0x10);
    put(sp + 152, TOP - PT_REGS - 0x20);
    put(sp + 56, TOP - PT_REGS);
    put(TOP - PT_REGS - 8, END + 4);
    Walk walk = walk(at(A, sp, 0));
    assertThat(walk.problem()).isEmpty();
    assertThat(walk.frames().get(1)).isEqualTo(new Frame(B + 4, true, sp + REGS_IP));
  }

  @Test
  void registersOfCallersAreNotKnown() {
    text(A, Base.SP, 8, Base.UNDEFINED, 0, Kind.CALL);
    text(B, Base.R10, 0, Base.UNDEFINED, 0, Kind.CALL);
    long sp = TOP - PT_REGS - 0x20;
    put(sp, B + 4);
    assertThat(walk(at(A, sp, 0)).problem())
        .hasValueSatisfying(p -> assertThat(p).contains("missing"));
  }

  @Test
  void callersAreLookedUpAtTheirCall() {
    text(A, Base.SP, 8, Base.UNDEFINED, 0, Kind.CALL);
    text(B, Base.SP, 8, Base.UNDEFINED, 0, Kind.CALL);
    endAt(END);
    long sp = TOP - PT_REGS - 16;
    // the call is the last instruction of B's text; what follows is described by nothing
    put(sp, B + 0x100);
    put(sp + 8, END + 4);
    assertThat(walk(at(A, sp, 0)).problem()).isEmpty();
  }

  @Test
  void anEndFarBelowTheTopIsNoEnd() {
    text(A, Base.SP, 8, Base.UNDEFINED, 0, Kind.CALL);
    endAt(END);
    put(STACK + 8, END + 4);
    assertThat(walk(at(A, STACK + 8, 0)).problem())
        .hasValueSatisfying(problem -> assertThat(problem).contains("below the top"));
  }

  @Test
  void userRegistersFarBelowTheTopAreNoEnd() {
    text(A, Base.SP, 0, Base.UNDEFINED, 0, Kind.REGS);
    put(STACK + 136, SyntheticGuest.USER_CS);
    assertThat(walk(at(A, STACK, 0)).problem())
        .hasValueSatisfying(problem -> assertThat(problem).contains("below the top"));
  }

  @Test
  void partialRegistersAtTheTopEndInUserMode() {
    text(A, Base.SP, 0, Base.UNDEFINED, 0, Kind.REGS_PARTIAL);
    put(TOP - 32, SyntheticGuest.USER_CS);
    assertThat(walk(at(A, TOP - 40, 0)).problem()).isEmpty();
  }

  @Test
  void aStackThatGoesBackIsNoStack() {
    text(A, Base.BP, 0, Base.UNDEFINED, 0, Kind.CALL);
    put(STACK + 0x40, A + 4);
    assertThat(walk(at(A, STACK + 0x100, STACK + 0x48)).problem())
        .hasValueSatisfying(problem -> assertThat(problem).contains("backwards"));
  }

  @Test
  void wordsOutsideOfTheStackAreNotRead() {
    text(A, Base.BP, 16, Base.UNDEFINED, 0, Kind.CALL);
    assertThat(walk(at(A, STACK, 0x1234)).problem())
        .hasValueSatisfying(problem -> assertThat(problem).contains("not on the stack"));
  }

  @Test
  void codeWithoutUnwindDataEndsTheWalk() {
    text(A, Base.SP, 8, Base.UNDEFINED, 0, Kind.CALL);
    put(STACK, 0xffffffffc0000010L);
    Walk walk = walk(at(A, STACK, 0));
    assertThat(walk.complete()).isFalse();
    assertThat(walk.frames()).hasSize(2);
  }
}
