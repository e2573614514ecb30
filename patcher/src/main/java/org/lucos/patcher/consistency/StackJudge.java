package org.lucos.patcher.consistency;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * Decides about one stack after the other. First every word counts: one that points into a range
 * makes its task suspicious, whatever it is. Only a complete backtrace in which no frame lies in a
 * range takes that back; return addresses that have been left behind and function pointers explain
 * themselves so.
 */
final class StackJudge implements StackReader.Judge {
  private final Guest guest;
  private final RangeIndex ranges;

  /** Code that is no function, where what runs cannot be told: trampolines and probe slots. */
  private final RangeIndex oddities;

  private final ReturnHijacks hijacks;
  private final OrcUnwinder unwinder;
  private final List<Finding> findings = new ArrayList<>();
  private int cleared;

  StackJudge(
      Guest guest,
      RangeIndex ranges,
      RangeIndex oddities,
      ReturnHijacks hijacks,
      OrcUnwinder unwinder) {
    this.guest = guest;
    this.ranges = ranges;
    this.oddities = oddities;
    this.hijacks = hijacks;
    this.unwinder = unwinder;
  }

  List<Finding> findings() {
    return findings;
  }

  int cleared() {
    return cleared;
  }

  /**
   * Something suspicious.
   *
   * @param function the range, or null if it is code whose meaning is not known
   * @param at where it was found
   */
  private record Suspicion(@Nullable NamedRange function, long at) {}

  @Override
  public void unreadable(StackReader.Item item, MemoryFaultException fault) {
    unreliable(item, "its stack cannot be read: " + fault.getMessage());
  }

  @Override
  public void judge(StackReader.Item item, LiveStack stack) {
    Suspicion suspicion = null;
    boolean hijacked = false;
    boolean odd = false;
    for (LiveStack.Span span : stack.spans()) {
      long[] words = span.words();
      for (int i = span.from(), end = i + span.count(); i < end; i++) {
        long word = words[i];
        // user addresses and small numbers are most of a stack
        if (word >= 0) {
          continue;
        }
        NamedRange hit = ranges.find(word);
        if (hit != null && suspicion == null) {
          suspicion = new Suspicion(hit, span.start() + 8L * (i - span.from()));
        }
        if (oddities.find(word) != null) {
          hijacked |= hijacks.isTrampoline(word);
          odd |= !hijacks.isTrampoline(word);
        }
      }
    }
    VcpuTrace vcpu = item.vcpu();
    if (vcpu != null) {
      Suspicion inRegisters = registers(vcpu);
      suspicion = inRegisters == null ? suspicion : inRegisters;
      long rip = vcpu.vcpu().rip().value();
      hijacked |= hijacks.isTrampoline(rip);
      odd |= oddities.find(rip) != null && !hijacks.isTrampoline(rip);
    }
    decide(item, stack, suspicion, hijacked, odd);
  }

  /** The instruction pointer comes first: nothing can explain that away. */
  private @Nullable Suspicion registers(VcpuTrace trace) {
    if (trace.user()) {
      return null;
    }
    long rip = trace.vcpu().rip().value();
    NamedRange running = ranges.find(rip);
    if (running != null) {
      return new Suspicion(running, rip);
    }
    for (long value : trace.vcpu().general()) {
      NamedRange hit = ranges.find(value);
      if (hit != null) {
        return new Suspicion(hit, value);
      }
    }
    return null;
  }

  private void decide(
      StackReader.Item item,
      LiveStack stack,
      @Nullable Suspicion seen,
      boolean hijacked,
      boolean odd) {
    Suspicion suspicion = seen;
    OrcUnwinder.Hijacks returns = hijacks.none();
    if (hijacked) {
      try {
        ReturnHijacks.Returns taken = hijacks.of(item.task().task());
        returns = taken;
        suspicion = suspicion == null ? taken(taken) : suspicion;
      } catch (MalformedDataException | MemoryFaultException e) {
        unreliable(item, "traced returns: " + e.getMessage());
        return;
      }
    }
    if (suspicion == null && odd) {
      suspicion = new Suspicion(null, 0);
    }
    if (suspicion != null) {
      weigh(item, suspicion, walk(item, stack, returns));
    }
  }

  private @Nullable Suspicion taken(ReturnHijacks.Returns returns) {
    for (ReturnHijacks.Taken taken : returns.all()) {
      NamedRange hit = ranges.find(taken.address());
      if (hit != null) {
        return new Suspicion(hit, taken.slot());
      }
    }
    return null;
  }

  private OrcUnwinder.Walk walk(
      StackReader.Item item, LiveStack stack, OrcUnwinder.Hijacks returns) {
    VcpuTrace vcpu = item.vcpu();
    return vcpu == null
        ? unwinder.sleeping(stack, item.task().savedSp(), returns)
        : unwinder.running(stack, MachineState.of(vcpu.vcpu()), returns);
  }

  private void weigh(StackReader.Item item, Suspicion suspicion, OrcUnwinder.Walk walk) {
    boolean explained = walk.complete();
    for (OrcUnwinder.Frame frame : walk.frames()) {
      NamedRange hit = ranges.find(frame.ip());
      if (hit != null) {
        inUse(item, hit, frame.slot() == 0 ? frame.ip() : frame.slot(), walk);
        return;
      }
      explained &= oddities.find(frame.ip()) == null;
    }
    if (explained && describedStill(walk)) {
      cleared++;
    } else if (suspicion.function() != null) {
      inUse(item, suspicion.function(), suspicion.at(), walk);
    } else {
      unreliable(item, "it may run a probed instruction at another place");
    }
  }

  private boolean describedStill(OrcUnwinder.Walk walk) {
    return walk.frames().stream().allMatch(frame -> guest.isStillDescribed(frame.ip()));
  }

  private void inUse(StackReader.Item item, NamedRange function, long at, OrcUnwinder.Walk walk) {
    findings.add(
        new Finding.InUse(
            item.task().subject(),
            function.function(),
            new GuestVirtualAddress(at),
            backtrace(guest, walk)));
  }

  private void unreliable(StackReader.Item item, String reason) {
    findings.add(new Finding.Unreliable(item.task().subject(), reason));
  }

  /** A walk with names. */
  static Backtrace backtrace(Guest guest, OrcUnwinder.Walk walk) {
    Optional<String> problem = walk.problem();
    return new Backtrace(
        walk.frames().stream()
            .map(
                frame ->
                    new Backtrace.Frame(
                        new GuestVirtualAddress(frame.ip()),
                        guest.symbol(frame.ip(), frame.interrupted())))
            .toList(),
        walk.complete(),
        problem.orElse("end of the stack"));
  }
}
