package org.lucos.patcher.insn;

import java.util.OptionalLong;
import org.lucos.patcher.insn.Instruction.Kind;

/**
 * Lengths and branch targets of x86-64 instructions in 64-bit mode. The opcode maps follow the
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, appendix A. What Intel's
 * and AMD's processors read differently (a 16-bit operand size before a relative branch, {@code
 * ud0}, XOP, SSE4a's {@code extrq}) is answered with {@link Kind#UNKNOWN}: no compiler emits it
 * into a kernel, and a guess would be wrong on one of them.
 */
public final class Decoder {

  // One letter an opcode, sixteen opcodes a row:
  // x undefined   . no operand bytes   m ModRM   b imm8   w imm16   z imm16/32   v imm16/32/64
  // o memory offset   B ModRM+imm8   Z ModRM+imm16/32   t ModRM, and an immediate for /0 and /1
  // j rel8   J rel32   e enter   p prefix   r REX   * escape to another map
  private static final String ONE_BYTE =
      "mmmmbzxxmmmmbzx*"
          + "mmmmbzxxmmmmbzxx"
          + "mmmmbzpxmmmmbzpx"
          + "mmmmbzpxmmmmbzpx"
          + "rrrrrrrrrrrrrrrr"
          + "................"
          + "xx*mppppzZbB...."
          + "jjjjjjjjjjjjjjjj"
          + "BZxBmmmmmmmmmmmm"
          + "..........x....."
          + "oooo....bz......"
          + "bbbbbbbbvvvvvvvv"
          + "BBw.**BZe.w..bx."
          + "mmmmxxx.mmmmmmmm"
          + "jjjjbbbbJJxj...."
          + "p.pp..tt......mm";

  private static final String MAP_0F =
      "mmmmx.....x.xm.B"
          + "mmmmmmmmmmmmmmmm"
          + "mmmmxxxxmmmmmmmm"
          + "......x.*x*xxxxx"
          + "mmmmmmmmmmmmmmmm"
          + "mmmmmmmmmmmmmmmm"
          + "mmmmmmmmmmmmmmmm"
          + "BBBBmmm.mmxxmmmm"
          + "JJJJJJJJJJJJJJJJ"
          + "mmmmmmmmmmmmmmmm"
          + "...mBmxx...mBmmm"
          + "mmmmmmmmmmBmmmmm"
          + "mmBmBBBm........"
          + "mmmmmmmmmmmmmmmm"
          + "mmmmmmmmmmmmmmmm"
          + "mmmmmmmmmmmmmmmx";

  private static final String MAP_0F38 =
      "mmmmmmmmmmmmxxxx"
          + "mxxxmmxmxxxxmmmx"
          + "mmmmmmxxmmmmxxxx"
          + "mmmmmmmmmmmmmmmm"
          + "mmxxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "mmmxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "xxxxxxxxmmmmmmxm"
          + "xxxxxxxxmxxmmmmm"
          + "xxxxxxxxxxxxxxxx"
          + "mmxxxmmxmmmmxxxx";

  private static final String MAP_0F3A =
      "xxxxxxxxBBBBBBBB"
          + "xxxxBBBBxxxxxxxx"
          + "BBBxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "BBBxBxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "BBBBxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxxxxx"
          + "xxxxxxxxxxxxBxBB"
          + "xxxxxxxxxxxxxxxB"
          + "xxxxxxxxxxxxxxxx"
          + "Bxxxxxxxxxxxxxxx";

  private final byte[] code;
  private final int start;
  private final int end;
  private final long address;
  private int at;
  private boolean operandSize;
  private boolean addressSize;
  private boolean repeat;
  private boolean repeatNot;
  private boolean lock;
  private int rex;

  private Decoder(byte[] code, int offset, long address) {
    this.code = code;
    this.start = offset;
    this.end = Math.min(code.length, offset + Instruction.MAX_LENGTH);
    this.address = address;
    this.at = offset;
  }

  /**
   * Decodes the instruction at {@code offset}. Never reads past {@code code}'s end: an instruction
   * cut off by it is unknown.
   *
   * @param code machine code
   * @param offset where in it the instruction begins
   * @param address the virtual address of that place, for branch targets
   */
  public static Instruction decode(byte[] code, int offset, long address) {
    if (offset < 0 || offset >= code.length) {
      return Instruction.UNKNOWN;
    }
    return new Decoder(code, offset, address).run();
  }

  private Instruction run() {
    int opcode;
    while (true) {
      if (at >= end) {
        return Instruction.UNKNOWN;
      }
      opcode = code[at++] & 0xff;
      char form = ONE_BYTE.charAt(opcode);
      if (form == 'p') {
        prefix(opcode);
        rex = 0; // a REX prefix counts only right before the opcode
      } else if (form == 'r') {
        rex = opcode;
      } else {
        break;
      }
    }
    return switch (opcode) {
      case 0x0f -> twoByte();
      case 0xc4 -> vex(3);
      case 0xc5 -> vex(2);
      case 0x62 -> evex();
      default -> oneByte(opcode);
    };
  }

  private void prefix(int opcode) {
    switch (opcode) {
      case 0x66 -> operandSize = true;
      case 0x67 -> addressSize = true;
      case 0xf2 -> repeatNot = true;
      case 0xf3 -> repeat = true;
      case 0xf0 -> lock = true;
      default -> {
        // a segment, which changes no length
      }
    }
  }

  private Instruction oneByte(int opcode) {
    int modrm = peek();
    int reg = modrm >> 3 & 7;
    switch (opcode) {
      case 0x8f -> {
        if (reg != 0) {
          return Instruction.UNKNOWN; // AMD's XOP
        }
      }
      case 0xc6 -> {
        if (reg != 0 && modrm != 0xf8) {
          return Instruction.UNKNOWN;
        }
      }
      case 0xc7 -> {
        if (modrm == 0xf8) {
          at++;
          return relative(4, Kind.CONDITIONAL_JUMP); // xbegin
        }
        if (reg != 0) {
          return Instruction.UNKNOWN;
        }
      }
      case 0xfe -> {
        if (reg > 1) {
          return Instruction.UNKNOWN;
        }
      }
      case 0xff -> {
        if (reg == 7 || (modrm >= 0xc0 && (reg == 3 || reg == 5))) {
          return Instruction.UNKNOWN;
        }
        return operands('m', opcode, indirectKind(reg));
      }
      default -> {
        // no subdivision
      }
    }
    return operands(ONE_BYTE.charAt(opcode), opcode, oneByteKind(opcode));
  }

  private static Kind indirectKind(int reg) {
    return switch (reg) {
      case 2, 3 -> Kind.INDIRECT_CALL;
      case 4, 5 -> Kind.INDIRECT_JUMP;
      default -> Kind.PLAIN;
    };
  }

  private Kind oneByteKind(int opcode) {
    return switch (opcode) {
      case 0x90 -> (rex & 1) == 0 && !repeat ? Kind.NOP : Kind.PLAIN; // not xchg r8, pause
      case 0xe8 -> Kind.CALL;
      case 0xe9, 0xeb -> Kind.JUMP;
      case 0xc2, 0xc3, 0xca, 0xcb, 0xcf -> Kind.RETURN;
      case 0xcc -> Kind.BREAKPOINT;
      case 0xe0, 0xe1, 0xe2, 0xe3 -> Kind.CONDITIONAL_JUMP;
      default -> (opcode & 0xf0) == 0x70 ? Kind.CONDITIONAL_JUMP : Kind.PLAIN;
    };
  }

  private Instruction twoByte() {
    if (at >= end) {
      return Instruction.UNKNOWN;
    }
    int opcode = code[at++] & 0xff;
    int modrm = peek();
    switch (opcode) {
      case 0x38, 0x3a -> {
        if (at >= end) {
          return Instruction.UNKNOWN;
        }
        String map = opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
        return operands(map.charAt(code[at++] & 0xff), -1, Kind.PLAIN);
      }
      case 0x78 -> {
        if (operandSize || repeatNot) {
          return Instruction.UNKNOWN; // SSE4a, with two immediates
        }
      }
      case 0xb8 -> {
        if (!repeat) {
          return Instruction.UNKNOWN;
        }
      }
      case 0x20, 0x21, 0x22, 0x23 -> {
        return skip(1, Kind.PLAIN); // control and debug registers: mod is ignored
      }
      default -> {
        // no subdivision
      }
    }
    Kind kind =
        switch (opcode) {
          case 0x0b, 0xb9 -> Kind.UNDEFINED;
          case 0x07, 0x35 -> Kind.RETURN;
          case 0x1e -> repeat && modrm == 0xfa ? Kind.ENDBR64 : Kind.PLAIN;
          case 0x1f -> Kind.NOP;
          default -> (opcode & 0xf0) == 0x80 ? Kind.CONDITIONAL_JUMP : Kind.PLAIN;
        };
    return operands(MAP_0F.charAt(opcode), -1, kind);
  }

  private Instruction vex(int prefixLength) {
    int map = 1;
    if (prefixLength == 3) {
      map = peek() & 0x1f;
      at++;
    }
    at++;
    return vectorOpcode(map);
  }

  private Instruction evex() {
    if (end - at < 3 || (code[at] & 8) != 0 || (code[at + 1] & 4) == 0) {
      return Instruction.UNKNOWN;
    }
    int map = code[at] & 7;
    at += 3;
    return vectorOpcode(map);
  }

  private Instruction vectorOpcode(int map) {
    if (at >= end || operandSize || repeat || repeatNot || lock || rex != 0) {
      return Instruction.UNKNOWN;
    }
    int opcode = code[at++] & 0xff;
    char form =
        switch (map) {
          case 1 -> MAP_0F.charAt(opcode);
          case 2 -> 'm';
          case 3 -> 'B';
          default -> 'x';
        };
    boolean vectorForm = form == 'm' || form == 'B' || (map == 1 && opcode == 0x77);
    return operands(vectorForm ? form : 'x', -1, Kind.PLAIN);
  }

  private Instruction operands(char form, int opcode, Kind kind) {
    int wordOrDouble = operandSize && (rex & 8) == 0 ? 2 : 4;
    return switch (form) {
      case '.' -> skip(0, kind);
      case 'b' -> skip(1, kind);
      case 'w' -> skip(2, kind);
      case 'e' -> skip(3, kind);
      case 'z' -> skip(wordOrDouble, kind);
      case 'v' -> skip((rex & 8) != 0 ? 8 : wordOrDouble, kind);
      case 'o' -> skip(addressSize ? 4 : 8, kind);
      case 'm' -> memory(0, kind);
      case 'B' -> memory(1, kind);
      case 'Z' -> memory(wordOrDouble, kind);
      case 't' -> {
        boolean test = (peek() >> 3 & 7) <= 1;
        yield memory(test ? (opcode == 0xf6 ? 1 : wordOrDouble) : 0, kind);
      }
      case 'j' -> relative(1, kind);
      case 'J' -> relative(4, kind);
      default -> Instruction.UNKNOWN;
    };
  }

  /** ModRM, SIB and displacement, then {@code immediate} bytes. */
  private Instruction memory(int immediate, Kind kind) {
    if (at >= end) {
      return Instruction.UNKNOWN;
    }
    int modrm = code[at++] & 0xff;
    int mod = modrm >> 6;
    int base = modrm & 7;
    if (mod == 3) {
      return skip(immediate, kind);
    }
    if (base == 4) {
      if (at >= end) {
        return Instruction.UNKNOWN;
      }
      base = code[at++] & 7;
    }
    int displacement =
        switch (mod) {
          case 0 -> base == 5 ? 4 : 0;
          case 1 -> 1;
          default -> 4;
        };
    return skip(displacement + immediate, kind);
  }

  private Instruction relative(int size, Kind kind) {
    if (operandSize || end - at < size) {
      return Instruction.UNKNOWN;
    }
    long distance = code[at];
    if (size == 4) {
      distance =
          (code[at] & 0xff)
              | (code[at + 1] & 0xff) << 8
              | (code[at + 2] & 0xff) << 16
              | code[at + 3] << 24;
    }
    int length = at + size - start;
    return new Instruction(length, kind, OptionalLong.of(address + length + distance));
  }

  private Instruction skip(int bytes, Kind kind) {
    if (end - at < bytes) {
      return Instruction.UNKNOWN;
    }
    return new Instruction(at + bytes - start, kind, OptionalLong.empty());
  }

  /** The next byte without taking it; 0 at the end, where taking it will fail anyway. */
  private int peek() {
    return at < end ? code[at] & 0xff : 0;
  }
}
