package org.lucos.patcher.consistency;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.consistency.MachineState.Scratch;
import org.lucos.patcher.kernel.OrcEntry;

/**
 * Walks a stack frame by frame with the kernel's ORC tables. Sceptical: it calls a walk complete
 * only if every step was described by a table, every word was on the stack and in the right order,
 * every hijacked return address was resolved, and it ended at the very top of the outermost stack.
 *
 * <p>The steps are those of {@code unwind_next_frame()} in {@code arch/x86/kernel/unwind_orc.c};
 * what counts as complete follows {@code arch_stack_walk_reliable()} in {@code
 * arch/x86/kernel/stacktrace.c}, with the place of the end in the stead of task flags.
 */
final class OrcUnwinder {
  private static final int MOST_FRAMES = 1024;

  /** User mode's privilege level in the low bits of a code segment. */
  private static final long USER = 3;

  /**
   * How far below the top a stack may end. The top holds {@code struct pt_regs}, above it up to 16
   * bytes of padding where FRED is built in, below it what the first kernel function pushed.
   */
  private static final long END_SLACK = 128;

  /** Unwind data by the address of an instruction. */
  interface Tables {
    Optional<OrcEntry> find(GuestVirtualAddress instruction);
  }

  /** True return addresses behind those that tracers put in their place. */
  interface Hijacks {
    /** Whether a return to this address is a tracer's doing, or it lies in such code. */
    boolean isTrampoline(long address);

    /** What was in the word at {@code slot} that now holds {@code trampoline}. */
    OptionalLong truth(long trampoline, long slot);
  }

  /**
   * One frame.
   *
   * @param ip the instruction that runs next in it
   * @param interrupted whether it was interrupted there, rather than having called
   * @param slot the word that holds {@code ip}, or 0 if a register does
   */
  record Frame(long ip, boolean interrupted, long slot) {}

  /**
   * A walk.
   *
   * @param frames innermost first
   * @param problem why it is not complete, if it is not
   */
  record Walk(List<Frame> frames, Optional<String> problem) {
    boolean complete() {
      return problem.isEmpty();
    }
  }

  private final Tables tables;
  private final FrameLayout layout;
  private final Set<Long> taskStarts;

  /**
   * @param taskStarts {@code ret_from_fork} under its names: where a task that never ran resumes
   */
  OrcUnwinder(Tables tables, FrameLayout layout, Set<Long> taskStarts) {
    this.tables = tables;
    this.layout = layout;
    this.taskStarts = Set.copyOf(taskStarts);
  }

  /** Walks the stack of a task that no CPU runs, whose saved stack pointer begins the stack. */
  Walk sleeping(LiveStack stack, long savedSp, Hijacks hijacks) {
    if (!stack.holds(savedSp, layout.switchSize())) {
      return new Walk(List.of(), Optional.of("no room for the frame of a context switch"));
    }
    long slot = savedSp + layout.switchReturn();
    long ip = stack.word(slot);
    MachineState start =
        new MachineState(
            ip,
            savedSp + layout.switchSize(),
            stack.word(savedSp + layout.switchBp()),
            taskStarts.contains(ip),
            null);
    return new Steps(stack, hijacks, start, slot).walk();
  }

  /** Walks the stacks of a vCPU from its registers. */
  Walk running(LiveStack stack, MachineState registers, Hijacks hijacks) {
    return new Steps(stack, hijacks, registers, 0).walk();
  }

  /** One walk in progress. */
  private final class Steps {
    private final LiveStack stack;
    private final Hijacks hijacks;
    private final List<Frame> frames = new ArrayList<>();
    private long ip;
    private long sp;
    private long bp;
    private boolean interrupted;
    private @Nullable Scratch scratch;

    Steps(LiveStack stack, Hijacks hijacks, MachineState start, long slot) {
      this.stack = stack;
      this.hijacks = hijacks;
      ip = start.ip();
      sp = start.sp();
      bp = start.bp();
      interrupted = start.interrupted();
      scratch = start.scratch();
      frames.add(new Frame(ip, interrupted, slot));
    }

    Walk walk() {
      try {
        for (int i = 0; i < MOST_FRAMES; i++) {
          if (step()) {
            return new Walk(frames, Optional.empty());
          }
        }
        throw lost("too many frames");
      } catch (LostException e) {
        return new Walk(frames, Optional.of(e.reason));
      } catch (MalformedDataException e) {
        return new Walk(frames, Optional.of("bad unwind data: " + e.getMessage()));
      }
    }

    /** Goes to the caller's frame; true at the end of the stack. */
    private boolean step() throws LostException {
      if (hijacks.isTrampoline(ip)) {
        throw lost("a function's return is being traced");
      }
      long instruction = interrupted ? ip : ip - 1;
      OrcEntry entry =
          tables
              .find(new GuestVirtualAddress(instruction))
              .orElseThrow(() -> lost("no unwind data at 0x" + Long.toHexString(ip)));
      if (entry.kind() == OrcEntry.Kind.END_OF_STACK) {
        checkTop(sp);
        return true;
      }
      if (entry.kind() == OrcEntry.Kind.UNDEFINED) {
        throw lost("undefined stack at 0x" + Long.toHexString(ip));
      }
      long previous = previousSp(entry);
      long before = sp;
      boolean user = returnTo(entry, previous);
      if (user) {
        return true;
      }
      bp = previousBp(entry, previous);
      interrupted = entry.signal();
      checkDirection(before);
      return false;
    }

    private long previousSp(OrcEntry entry) throws LostException {
      long offset = entry.stackOffset();
      return switch (entry.stackBase()) {
        case SP -> sp + offset;
        case BP -> bp + offset;
        case SP_INDIRECT -> word(sp) + offset;
        case BP_INDIRECT -> word(bp + offset);
        // of these the kernel ignores the offset
        case R10 -> scratch().r10();
        case R13 -> scratch().r13();
        case DI -> scratch().di();
        case DX -> scratch().dx();
        default -> throw lost("no stack pointer at 0x" + Long.toHexString(ip));
      };
    }

    /** Takes over instruction and stack pointer of the caller; true if that is user mode. */
    private boolean returnTo(OrcEntry entry, long previous) throws LostException {
      switch (entry.kind()) {
        case CALL -> {
          long slot = previous - 8;
          ip = resolve(word(slot), slot);
          sp = previous;
          scratch = null;
          frames.add(new Frame(ip, false, slot));
          return false;
        }
        case REGS -> {
          return interruptedAt(previous, true);
        }
        case REGS_PARTIAL -> {
          return interruptedAt(previous - layout.ip(), false);
        }
        default -> throw lost("no frame at 0x" + Long.toHexString(ip));
      }
    }

    private boolean interruptedAt(long registers, boolean whole) throws LostException {
      long from = whole ? registers : registers + layout.ip();
      if (!stack.holds(from, registers + layout.registersSize() - from)) {
        throw lost("registers outside of the stack at 0x" + Long.toHexString(ip));
      }
      if ((stack.word(registers + layout.cs()) & USER) == USER) {
        checkTop(registers + layout.registersSize());
        return true;
      }
      sp = stack.word(registers + layout.sp());
      long slot = registers + layout.ip();
      // interrupted right after a return into a trampoline: the word below is the one hijacked
      ip = resolve(stack.word(slot), sp - 8);
      if (whole) {
        scratch =
            new Scratch(
                stack.word(registers + layout.dx()),
                stack.word(registers + layout.di()),
                stack.word(registers + layout.r10()),
                stack.word(registers + layout.r13()),
                stack.word(registers + layout.bp()));
      }
      frames.add(new Frame(ip, true, slot));
      return false;
    }

    private long previousBp(OrcEntry entry, long previous) throws LostException {
      return switch (entry.frameBase()) {
        case UNDEFINED -> scratch == null ? bp : scratch.bp();
        case PREVIOUS_SP -> word(previous + entry.frameOffset());
        case BP -> word(bp + entry.frameOffset());
        default -> throw lost("no frame pointer at 0x" + Long.toHexString(ip));
      };
    }

    /** The first tracer to hijack a return address saw the true one, later ones each other. */
    private long resolve(long word, long slot) throws LostException {
      long address = word;
      for (int i = 0; i < 4; i++) {
        if (!hijacks.isTrampoline(address)) {
          return address;
        }
        long trampoline = address;
        address =
            hijacks
                .truth(trampoline, slot)
                .orElseThrow(() -> lost("a hijacked return address is not resolved"));
      }
      throw lost("return addresses hijacked in circles");
    }

    private void checkDirection(long before) throws LostException {
      int from = stack.spanOf(before);
      int to = stack.spanOf(sp);
      boolean back = from >= 0 && to >= 0 && (to < from || (to == from && sp - before <= 0));
      if (back) {
        throw lost("the stack runs backwards at 0x" + Long.toHexString(ip));
      }
    }

    private void checkTop(long end) throws LostException {
      long distance = stack.distanceToTop(end);
      if (distance < 0 || distance > layout.registersSize() + END_SLACK) {
        throw lost("it ends " + distance + " bytes below the top of the stack");
      }
    }

    private long word(long address) throws LostException {
      if (!stack.holds(address, 8)) {
        throw lost("0x" + Long.toHexString(address) + " is not on the stack");
      }
      return stack.word(address);
    }

    private Scratch scratch() throws LostException {
      if (scratch == null) {
        throw lost("a register is missing at 0x" + Long.toHexString(ip));
      }
      return scratch;
    }

    private LostException lost(String reason) {
      return new LostException(reason);
    }
  }

  /** The walk cannot go on. */
  private static final class LostException extends Exception {
    private static final long serialVersionUID = 1L;
    private final String reason;

    LostException(String reason) {
      super(reason, null, false, false);
      this.reason = reason;
    }
  }
}
