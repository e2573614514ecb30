package org.lucos.patcher.link;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;
import org.lucos.patcher.link.Rewrite.Place;

/**
 * Running code against the object it was made from. Every byte of a function must be the object's,
 * except where the kernel rewrites it (then it must be of a form the kernel writes), where it is
 * relocated (then it must refer to where the symbol was found) and where a known change is. Bytes
 * between functions are padding: call depth tracking writes there, and nothing else runs them.
 */
final class TextComparison {
  /** What the kernel puts first where it rewrites an instruction ({@code text_poke_bp()}). */
  private static final int INT3 = 0xcc;

  private final MatchedObject matched;
  private final ObjectImage object;
  private final GuestMemory memory;
  private final long callThunk;

  /**
   * @param callThunk how far in front of a function direct calls may go instead, 0 if never: the
   *     size of the code that call depth tracking puts there (arch/x86/kernel/callthunks.c)
   */
  TextComparison(MatchedObject matched, GuestMemory memory, long callThunk) {
    this.matched = matched;
    this.object = matched.object();
    this.memory = memory;
    this.callThunk = callThunk;
  }

  /**
   * A difference: where it is in a function, and what it is; and whether it may go away by itself,
   * because the kernel is just rewriting the place.
   */
  record Difference(String function, long offset, String detail, boolean passing) {}

  /**
   * Compares one function, without the changes that are known: with what was there before, where
   * that is on record.
   */
  Optional<Difference> compare(ElfSymbol function, List<LiveChange> known) {
    OptionalLong base = matched.base(function.section());
    if (base.isEmpty()) {
      return Optional.of(new Difference(function.name(), 0, "it was not found", false));
    }
    long address = base.getAsLong() + function.value();
    byte[] live;
    try {
      live = memory.bytes(new GuestVirtualAddress(address), (int) function.size());
    } catch (MemoryFaultException e) {
      return Optional.of(new Difference(function.name(), 0, "it cannot be read", false));
    }
    known.forEach(change -> change.restore(new GuestVirtualAddress(address), live));
    List<LiveChange> unknown = known.stream().filter(change -> change.own().isEmpty()).toList();
    return new Run(function, unknown, live, address).compare();
  }

  /** One function being compared; offsets count from its beginning. */
  private final class Run {
    private final ElfSymbol function;
    private final List<LiveChange> known;
    private final byte[] live;
    private final byte[] code;
    private final long address;
    private final NavigableMap<Integer, Instruction> calls = new TreeMap<>();

    Run(ElfSymbol function, List<LiveChange> known, byte[] live, long address) {
      this.function = function;
      this.known = known;
      this.live = live;
      this.code =
          Arrays.copyOfRange(
              object.content(function.section()),
              (int) function.value(),
              (int) (function.value() + function.size()));
      this.address = address;
      if (callThunk != 0) {
        findCalls();
      }
    }

    private void findCalls() {
      for (int at = 0; at < code.length; ) {
        Instruction instruction = Decoder.decode(code, at, address + at);
        if (!instruction.known()) {
          return;
        }
        if (instruction.kind() == Instruction.Kind.CALL) {
          calls.put(at, instruction);
        }
        at += instruction.length();
      }
    }

    Optional<Difference> compare() {
      NavigableMap<Long, ElfRelocation> relocations = object.relocations(function.section());
      for (int at = 0; at < code.length; ) {
        Optional<Rewrite> rewrite = matched.rewrites().covering(function.section(), place(at));
        ElfRelocation relocation = relocations.get(place(at));
        int here = at;
        if (known.stream().anyMatch(change -> change.covers(address + here))) {
          // an operand may reach out of the change: what is left of it is no code of its own
          at += relocation == null ? 1 : Math.max(1, relocation.type().width());
        } else if (rewrite.isPresent()) {
          int from = (int) (rewrite.get().offset() - function.value());
          int to = (int) (rewrite.get().end() - function.value());
          if (from == at && to <= code.length && !allows(rewrite.get(), at)) {
            return difference(at, "no form of " + rewrite.get().kind() + ": " + found(at, to));
          }
          at = to;
        } else if (relocation != null && relocation.type().width() > 0) {
          Optional<String> problem = relocated(relocation, at);
          if (problem.isPresent()) {
            return difference(at, problem.get());
          }
          at += relocation.type().width();
        } else if (code[at] != live[at] && !isThunkedCall(at)) {
          return difference(
              at,
              "expected " + HexFormat.of().toHexDigits(code[at]) + ", found " + found(at, at + 1));
        } else {
          at++;
        }
      }
      return Optional.empty();
    }

    private long place(int at) {
      return function.value() + at;
    }

    private boolean allows(Rewrite rewrite, int at) {
      OptionalLong target = OptionalLong.empty();
      if (rewrite.target().isPresent()) {
        Place place = rewrite.target().get();
        OptionalLong base = matched.base(place.section());
        target =
            base.isPresent()
                ? OptionalLong.of(base.getAsLong() + place.offset())
                : OptionalLong.empty();
      }
      return RewriteForms.allows(rewrite, live, at, address + at, target);
    }

    private Optional<String> relocated(ElfRelocation relocation, int at) {
      if (at + relocation.type().width() > live.length) {
        return Optional.of("relocation across the end");
      }
      ElfSymbol symbol = relocation.symbol();
      if (symbol.isInSection() && object.section(symbol.section()).has(ElfFormat.SHF_MERGE)) {
        return merged(relocation, at);
      }
      OptionalLong wanted = matched.address(symbol);
      long found = Relocated.symbol(relocation, live, at, address + at);
      if (wanted.isEmpty()) {
        return Optional.of("unknown address of " + describe(symbol));
      }
      boolean holds =
          Relocated.holds(relocation, live, at, wanted.getAsLong(), address + at)
              || (callThunk != 0
                  && calls.containsKey(at - 1)
                  && Relocated.holds(
                      relocation, live, at, wanted.getAsLong() - callThunk, address + at));
      return holds
          ? Optional.empty()
          : Optional.of(
              "refers to "
                  + new GuestVirtualAddress(found)
                  + " instead of "
                  + describe(symbol)
                  + " at "
                  + new GuestVirtualAddress(wanted.getAsLong()));
    }

    /** The linker merges equal strings and constants: only what is there counts. */
    private Optional<String> merged(ElfRelocation relocation, int at) {
      ElfSymbol symbol = relocation.symbol();
      ElfSection section = object.section(symbol.section());
      byte[] content = object.content(section.index());
      long start = symbol.value();
      long running = Relocated.symbol(relocation, live, at, address + at);
      if (symbol.type() == SymbolType.SECTION) {
        // relative fields count from behind themselves, which the addend makes up for
        long within = relocation.addend() + (relocation.type().isPcRelative() ? 4 : 0);
        start += within;
        running += within;
      }
      if (start < 0 || start >= content.length) {
        return Optional.of("relocation outside of " + section.name());
      }
      long end = start + section.entrySize();
      if (section.has(ElfFormat.SHF_STRINGS)) {
        end = start;
        while (end < content.length && content[(int) end] != 0) {
          end++;
        }
        end++;
      }
      if (end <= start || end > content.length) {
        return Optional.of("no whole constant in " + section.name());
      }
      byte[] wanted = Arrays.copyOfRange(content, (int) start, (int) end);
      try {
        byte[] found = memory.bytes(new GuestVirtualAddress(running), wanted.length);
        return Arrays.equals(found, wanted)
            ? Optional.empty()
            : Optional.of("refers to another constant of " + section.name());
      } catch (MemoryFaultException e) {
        return Optional.of("refers to no memory instead of " + section.name());
      }
    }

    private boolean isThunkedCall(int at) {
      Map.Entry<Integer, Instruction> call = calls.floorEntry(at);
      if (call == null || at >= call.getKey() + call.getValue().length()) {
        return false;
      }
      int start = call.getKey();
      Instruction running = Decoder.decode(live, start, address + start);
      return running.kind() == Instruction.Kind.CALL
          && running.target().orElse(0) == call.getValue().target().orElse(0) - callThunk;
    }

    private Optional<Difference> difference(int at, String detail) {
      boolean passing =
          (live[at] & 0xff) == INT3
              || matched.rewrites().covering(function.section(), place(at)).isPresent();
      return Optional.of(new Difference(function.name(), at, detail, passing));
    }

    private String found(int from, int to) {
      return HexFormat.of().formatHex(live, from, Math.min(to, live.length));
    }

    private String describe(ElfSymbol symbol) {
      return symbol.name().isEmpty() ? object.section(symbol.section()).name() : symbol.name();
    }
  }
}
