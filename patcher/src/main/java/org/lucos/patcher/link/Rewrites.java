package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;
import org.lucos.patcher.link.Rewrite.Kind;
import org.lucos.patcher.link.Rewrite.Place;

/**
 * Every place of an object that the kernel rewrites, from the object's own tables (layouts: struct
 * alt_instr, paravirt_patch_site, static_call_site, jump_entry; the others are lists of relative or
 * absolute addresses). Where objtool only ran on the whole kernel, a lone object lacks the tables
 * it writes: so calls of the thunks, static call trampolines and {@code __fentry__} are also found
 * by their relocations.
 */
final class Rewrites {
  private final Map<Integer, NavigableMap<Long, List<Rewrite>>> bySection = new HashMap<>();
  private final ObjectImage object;

  /** Finds them all. */
  Rewrites(ObjectImage object) {
    this.object = object;
    for (ElfSection section : object.sections()) {
      switch (section.name()) {
        case ".altinstructions" -> alternatives(section);
        case ".parainstructions" -> paravirt(section);
        case ".retpoline_sites" -> list(section, 4, 4, Kind.RETPOLINE);
        case ".return_sites" -> list(section, 4, 4, Kind.RETURN);
        case ".ibt_endbr_seal" -> list(section, 4, 4, Kind.ENDBR);
        case ".smp_locks" -> list(section, 4, 4, Kind.LOCK_PREFIX);
        case ".static_call_sites" -> list(section, 8, 4, Kind.STATIC_CALL);
        case "__mcount_loc" -> list(section, 8, 8, Kind.FENTRY);
        case "__jump_table" -> jumpLabels(section);
        default -> runtimeConstants(section);
      }
      if (section.isCode()) {
        byRelocation(section);
        sealedEndbr(section);
      }
    }
  }

  /** The rewrites of a section that share a byte with {@code size} bytes from {@code offset}. */
  List<Rewrite> overlapping(int section, long offset, long size) {
    NavigableMap<Long, List<Rewrite>> all = bySection.get(section);
    if (all == null) {
      return List.of();
    }
    // no rewritten place is longer than the 8-bit length of an alternative
    List<Rewrite> found = new ArrayList<>();
    all.subMap(offset - 256, true, offset + size, false)
        .values()
        .forEach(
            list -> list.stream().filter(each -> each.overlaps(offset, size)).forEach(found::add));
    return found;
  }

  /** Of all that cover a byte, the one whose forms are least restricted. */
  Optional<Rewrite> covering(int section, long offset) {
    return overlapping(section, offset, 1).stream()
        .max(Comparator.comparing((Rewrite each) -> RewriteForms.isAnything(each.kind())));
  }

  private void add(int section, long offset, int length, Kind kind, Optional<Place> target) {
    ElfSection code = object.section(section);
    if (offset < 0 || length <= 0 || offset > object.content(code.index()).length - length) {
      throw new MalformedDataException(
          object.name() + " " + code.name(), offset, "rewritten place outside: kind=" + kind);
    }
    List<Rewrite> there =
        bySection
            .computeIfAbsent(section, key -> new TreeMap<>())
            .computeIfAbsent(offset, key -> new ArrayList<>());
    if (there.stream().noneMatch(each -> each.kind() == kind && each.length() >= length)) {
      there.removeIf(each -> each.kind() == kind);
      there.add(new Rewrite(section, offset, length, kind, target));
    }
  }

  private void add(Place place, int length, Kind kind) {
    if (object.section(place.section()).isCode()) {
      add(place.section(), place.offset(), length, kind, Optional.empty());
    }
  }

  private void list(ElfSection table, int entrySize, int fieldSize, Kind kind) {
    for (long at = 0; at + fieldSize <= object.content(table.index()).length; at += entrySize) {
      object
          .place(table.index(), at)
          .filter(place -> object.section(place.section()).isCode())
          .filter(place -> kind != Kind.LOCK_PREFIX || isLockPrefix(place))
          .ifPresent(place -> add(place, length(kind, place), kind));
    }
  }

  /**
   * {@code .smp_locks} may name the operand size prefix in front of the lock prefix; the kernel
   * leaves such a place alone ({@code alternatives_smp_lock()} looks at the byte).
   */
  private boolean isLockPrefix(Place place) {
    byte[] code = object.content(place.section());
    return place.offset() < 0
        || place.offset() >= code.length
        || code[(int) place.offset()] == (byte) 0xf0;
  }

  private int length(Kind kind, Place place) {
    return switch (kind) {
      case RETPOLINE, RETURN, STATIC_CALL -> instructionLength(place);
      case ENDBR -> 4;
      case LOCK_PREFIX, RUNTIME_SHIFT -> 1;
      case RUNTIME_POINTER -> 8;
      default -> 5;
    };
  }

  private int instructionLength(Place place) {
    ElfSection code = object.section(place.section());
    byte[] bytes = object.content(code.index());
    boolean inside = place.offset() >= 0 && place.offset() < bytes.length;
    Instruction instruction = Decoder.decode(bytes, inside ? (int) place.offset() : -1, 0);
    if (!instruction.known()) {
      throw new MalformedDataException(
          object.name() + " " + code.name(), place.offset(), "no instruction where one is listed");
    }
    return instruction.length();
  }

  /**
   * {@code struct alt_instr}: two relative addresses, then feature bits whose width has changed,
   * then the two lengths. The size of an entry shows in the distance of the relocations.
   */
  private void alternatives(ElfSection table) {
    long size = object.content(table.index()).length;
    Long second = object.relocations(table.index()).higherKey(4L);
    long entrySize = second == null ? size : second;
    if (size > 0 && (entrySize < 10 || size % entrySize != 0)) {
      throw new MalformedDataException(
          object.name() + " " + table.name(), 0, "unknown layout: entry size=" + entrySize);
    }
    ByteCursor bytes =
        new ByteCursor(object.name() + " " + table.name(), object.content(table.index()));
    for (long at = 0; at < size; at += entrySize) {
      int length = bytes.seek(at + entrySize - 2).u8();
      Optional<Place> place = object.place(table.index(), at);
      if (place.isPresent() && length > 0) {
        add(place.get(), length, Kind.ALTERNATIVE);
      }
    }
  }

  /** {@code struct paravirt_patch_site}: address, type, length; 16 bytes. */
  private void paravirt(ElfSection table) {
    ByteCursor bytes =
        new ByteCursor(object.name() + " " + table.name(), object.content(table.index()));
    for (long at = 0; at + 10 <= bytes.size(); at += 16) {
      int length = bytes.seek(at + 9).u8();
      object.place(table.index(), at).ifPresent(place -> add(place, length, Kind.PARAVIRT));
    }
  }

  /** {@code struct jump_entry}: code, target, key; 16 bytes. */
  private void jumpLabels(ElfSection table) {
    for (long at = 0; at + 16 <= object.content(table.index()).length; at += 16) {
      Optional<Place> site = object.place(table.index(), at);
      Optional<Place> target = object.place(table.index(), at + 4);
      if (site.isPresent() && target.isPresent() && object.section(site.get().section()).isCode()) {
        add(
            site.get().section(),
            site.get().offset(),
            instructionLength(site.get()),
            Kind.JUMP_LABEL,
            target);
      }
    }
  }

  /** {@code runtime_const_ptr()} and {@code runtime_const_shift_right_32()}: immediate operands. */
  private void runtimeConstants(ElfSection table) {
    switch (RuntimeConstants.width(table.name())) {
      case 8 -> list(table, 4, 4, Kind.RUNTIME_POINTER);
      case 1 -> list(table, 4, 4, Kind.RUNTIME_SHIFT);
      default -> {
        // no table
      }
    }
  }

  private void byRelocation(ElfSection code) {
    for (ElfRelocation relocation : object.relocations(code.index()).values()) {
      Kind kind = kindOf(relocation.symbol().name());
      if (kind == null) {
        continue;
      }
      int operand = (int) relocation.offset();
      int opcode =
          operand >= 1 && operand < object.content(code.index()).length
              ? object.content(code.index())[operand - 1]
              : 0;
      if ((opcode & 0xfe) == 0xe8) {
        // gcc puts a CS prefix before some of them, and the kernel rewrites it too
        boolean prefix = operand >= 2 && object.content(code.index())[operand - 2] == 0x2e;
        int before = kind == Kind.RETPOLINE && prefix ? 2 : 1;
        add(new Place(code.index(), operand - before), 4 + before, kind);
      } else if ((opcode & 0xf0) == 0x80
          && operand >= 2
          && object.content(code.index())[operand - 2] == 0x0f) {
        add(new Place(code.index(), operand - 2), 6, kind);
      }
    }
  }

  private static @Nullable Kind kindOf(String name) {
    String symbol = name.substring(name.indexOf(':') + 1); // a patch's image has MODULE:NAME
    if (symbol.startsWith("__x86_indirect_thunk_")) {
      return Kind.RETPOLINE;
    }
    if (symbol.startsWith("__SCT__")) {
      return Kind.STATIC_CALL;
    }
    return switch (symbol) {
      case "__x86_return_thunk" -> Kind.RETURN;
      case "__fentry__" -> Kind.FENTRY;
      default -> null;
    };
  }

  /** Which functions are sealed is only known for the whole kernel: any may be. */
  private void sealedEndbr(ElfSection code) {
    for (long start : object.functions(code.index()).keySet()) {
      if (RewriteForms.isEndbr(object.content(code.index()), (int) start)) {
        add(new Place(code.index(), start), 4, Kind.ENDBR);
      }
    }
  }
}
