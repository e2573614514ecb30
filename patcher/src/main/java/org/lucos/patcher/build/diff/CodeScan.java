package org.lucos.patcher.build.diff;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;

/**
 * The instructions of a section, as far as relocations need them: an operand relative to the
 * instruction's end says where the end is, and the assembler resolves branches inside a section by
 * itself, without leaving a relocation.
 */
final class CodeScan {
  /** A direct branch without relocation. */
  record Branch(int instruction, int field, int width, long target) {}

  private static final int BRANCH_FIELD = 4;

  private final byte[] code;
  private final Map<Integer, Integer> distances = new HashMap<>();
  private final List<Branch> branches = new ArrayList<>();

  /**
   * Decodes a section.
   *
   * @param starts offsets where an instruction is known to begin
   */
  CodeScan(ElfSection section, List<ElfRelocation> relocations, BitSet starts) {
    this.code = section.bytes().toArray();
    BitSet fields = new BitSet(code.length);
    relocations.forEach(r -> fields.set((int) r.offset()));
    int at = 0;
    while (at < code.length) {
      int limit = starts.nextSetBit(at + 1);
      if (limit < 0) {
        limit = code.length;
      }
      at = scan(at, limit, fields);
    }
  }

  private int scan(int from, int limit, BitSet fields) {
    int at = from;
    while (at < limit) {
      Instruction instruction = Decoder.decode(code, at, at);
      if (!instruction.known() || at + instruction.length() > limit) {
        return limit;
      }
      int end = at + instruction.length();
      int field = fields.nextSetBit(at);
      if (field < 0 || field >= end) {
        unrelocated(instruction, at, end);
      }
      while (field >= 0 && field < end) {
        distances.put(field, end - field);
        field = fields.nextSetBit(field + 1);
      }
      at = end;
    }
    return limit;
  }

  private void unrelocated(Instruction instruction, int at, int end) {
    if (instruction.target().isPresent()) {
      // near forms have a 32-bit field and are five bytes or more, short ones an 8-bit field
      int width = instruction.length() >= 5 ? BRANCH_FIELD : 1;
      branches.add(new Branch(at, end - width, width, instruction.target().getAsLong()));
    }
  }

  /** Bytes from a relative field to the end of its instruction. */
  int distance(int field) {
    return distances.getOrDefault(field, BRANCH_FIELD);
  }

  /** Whether a 32-bit field is the target of a direct call or jump, by the opcode before it. */
  boolean isBranch(int field) {
    if (field < 1) {
      return false;
    }
    int opcode = code[field - 1] & 0xff;
    // no ModRM byte of an operand relative to rip has these values: its mod and r/m are 00 and 101
    return opcode == 0xe8
        || opcode == 0xe9
        || (field >= 2 && code[field - 2] == 0x0f && (opcode & 0xf0) == 0x80);
  }

  /** Branches the assembler resolved. */
  List<Branch> branches() {
    return branches;
  }
}
