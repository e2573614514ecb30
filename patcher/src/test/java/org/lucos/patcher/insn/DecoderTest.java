package org.lucos.patcher.insn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.patcher.insn.Instruction.Kind;

class DecoderTest {
  private static final long ADDRESS = 0xffffffff81234560L;

  @ParameterizedTest
  @CsvSource({
    "90,1,NOP",
    "6690,2,NOP",
    "0f1f440000,5,NOP",
    "660f1f840000000000,9,NOP",
    "f390,2,PLAIN",
    "4190,2,PLAIN",
    "f30f1efa,4,ENDBR64",
    "f30f1ec8,4,PLAIN",
    "0f0b,2,UNDEFINED",
    "0fb9400f,4,UNDEFINED",
    "cc,1,BREAKPOINT",
    "c3,1,RETURN",
    "c21000,3,RETURN",
    "cb,1,RETURN",
    "48cf,2,RETURN",
    "480f07,3,RETURN",
    "ffe0,2,INDIRECT_JUMP",
    "3effe0,3,INDIRECT_JUMP",
    "41ffd3,3,INDIRECT_CALL",
    "ff142500000000,7,INDIRECT_CALL",
    "ff2d00000000,6,INDIRECT_JUMP",
    "55,1,PLAIN",
    "48b8efcdab8967452301,10,PLAIN",
    "66b83412,4,PLAIN",
    "66b8341200,4,PLAIN",
    "b878563412,5,PLAIN",
    "48c7c078563412,7,PLAIN",
    "66c7003412,5,PLAIN",
    "6648c70078563412,8,PLAIN",
    "4866c7003412,6,PLAIN",
    "48a18877665544332211,10,PLAIN",
    "67a144332211,6,PLAIN",
    "c8100001,4,PLAIN",
    "f6400801,4,PLAIN",
    "f6d8,2,PLAIN",
    "f7054433221188776655,10,PLAIN",
    "66f7c03412,5,PLAIN",
    "c5f877,3,PLAIN",
    "c4e2799800,5,PLAIN",
    "c4e37d190801,6,PLAIN",
    "62f17c48284001,7,PLAIN",
    "62f3fd4819c001,7,PLAIN",
    "0f20d8,3,PLAIN",
    "0f22d8,3,PLAIN",
    "0f01ca,3,PLAIN",
    "66440f3a440c2510000000" + "11,12,PLAIN",
    "f30fb8c0,4,PLAIN",
    "c6f801,3,PLAIN"
  })
  void lengthsAndKindsFollowTheManual(String hex, int length, Kind kind) {
    Instruction instruction = Decoder.decode(HexFormat.of().parseHex(hex), 0, ADDRESS);

    assertThat(instruction).isEqualTo(new Instruction(length, kind, OptionalLong.empty()));
  }

  @ParameterizedTest
  @CsvSource({
    "ebfe,0,JUMP",
    "e9fbffffff,0,JUMP",
    "e800000080,-2147483643,CALL",
    "2ee8faffffff,0,CALL",
    "747f,129,CONDITIONAL_JUMP",
    "0f85faffffff,0,CONDITIONAL_JUMP",
    "2e7400,3,CONDITIONAL_JUMP",
    "e300,2,CONDITIONAL_JUMP",
    "67e300,3,CONDITIONAL_JUMP",
    "e2fe,0,CONDITIONAL_JUMP",
    "c7f810000000,22,CONDITIONAL_JUMP"
  })
  void branchesHaveTargets(String hex, long distance, Kind kind) {
    byte[] code = HexFormat.of().parseHex(hex);

    Instruction instruction = Decoder.decode(code, 0, ADDRESS);

    assertThat(instruction)
        .isEqualTo(new Instruction(code.length, kind, OptionalLong.of(ADDRESS + distance)));
  }

  @ParameterizedTest
  @CsvSource({
    "06",
    "60",
    "82c000",
    "9a",
    "ce",
    "d4",
    "ea",
    "0f04",
    "0f0a",
    "0fff00",
    "0f3800",
    "ffff",
    "ffd8",
    "66e800000000",
    "66eb00",
    "660f8400000000",
    "0fb8c0",
    "8fe87800",
    "660f78c00000",
    "fed0",
    "62010000000000",
    "66c5f877",
    "48c5f877",
    "c4e04000",
    "66",
    "48",
    "0f",
    "0f38",
    "e8000000",
    "4881",
    "c7f80000",
    "d5"
  })
  void whatIsNoInstructionIsUnknown(String hex) {
    assertThat(Decoder.decode(HexFormat.of().parseHex(hex), 0, ADDRESS).known()).isFalse();
  }

  @Test
  void moreThanFifteenBytesAreNoInstruction() {
    byte[] fifteen = new byte[15];
    Arrays.fill(fifteen, (byte) 0x2e);
    fifteen[14] = (byte) 0x90;
    byte[] sixteen = new byte[16];
    Arrays.fill(sixteen, (byte) 0x2e);
    sixteen[15] = (byte) 0x90;

    assertThat(Decoder.decode(fifteen, 0, ADDRESS).length()).isEqualTo(15);
    assertThat(Decoder.decode(sixteen, 0, ADDRESS).known()).isFalse();
  }

  @Test
  void randomBytesGiveALengthInsideTheBufferOrUnknown() {
    Random random = new Random(1);
    for (int round = 0; round < 1_000_000; round++) {
      byte[] code = randomCode(random, 1 + random.nextInt(20));
      int offset = random.nextInt(code.length);

      Instruction instruction = Decoder.decode(code, offset, random.nextLong());

      if (instruction.known()) {
        assertThat(instruction.length()).isBetween(1, Math.min(15, code.length - offset));
      } else {
        assertThat(instruction).isEqualTo(Instruction.UNKNOWN);
      }
    }
  }

  @Test
  void whatCapstoneDecodesHasTheSameLengthAndTarget() {
    Random random = new Random(2);
    List<String> differences = new ArrayList<>();
    int compared = 0;
    try (Capstone capstone = new Capstone()) {
      for (int round = 0; round < 2_000_000; round++) {
        byte[] code = randomCode(random, 16);
        Instruction instruction = Decoder.decode(code, 0, ADDRESS);
        Optional<Capstone.Result> oracle = capstone.decode(code, ADDRESS);
        if (oracle.isEmpty() || !instruction.known() || capstoneErrs(code, oracle.get())) {
          continue;
        }
        compared++;
        if (oracle.get().length() != instruction.length()
            || (instruction.target().isPresent()
                && !oracle
                    .get()
                    .operands()
                    .equals("0x" + Long.toHexString(instruction.target().getAsLong())))) {
          differences.add(HexFormat.of().formatHex(code) + " " + oracle.get() + " " + instruction);
        }
      }
    }
    assertThat(differences.stream().limit(20)).isEmpty();
    assertThat(compared).isGreaterThan(500_000);
  }

  /**
   * Where capstone 4 departs from the manual: {@code ud1} without its ModRM byte, address-size and
   * repeated prefixes that confuse it, an extra byte behind EVEX rounding forms.
   */
  private static boolean capstoneErrs(byte[] code, Capstone.Result oracle) {
    boolean addressSize = false;
    int operandPrefixes = 0;
    for (int i = 0; i < 3; i++) {
      addressSize |= code[i] == 0x67;
      operandPrefixes +=
          code[i] == 0x66 || (code[i] & 0xfe) == 0xf2 || (code[i] & 0xf0) == 0x40 ? 1 : 0;
    }
    return oracle.mnemonic().equals("ud2b")
        || oracle.operands().contains("-sae}")
        || addressSize
        || operandPrefixes > 1;
  }

  /** Random bytes, leaning towards prefixes and the escapes to other maps. */
  private static byte[] randomCode(Random random, int size) {
    byte[] prefixes = HexFormat.of().parseHex("6667f2f3f02e3e26366465484142444f41");
    byte[] code = new byte[size];
    random.nextBytes(code);
    int at = 0;
    for (int i = random.nextInt(3); i > 0 && at < size; i--) {
      code[at++] = prefixes[random.nextInt(prefixes.length)];
    }
    byte[][] escapes = {
      {}, {}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}, {(byte) 0xc5}, {(byte) 0xc4}, {0x62}
    };
    for (byte escape : escapes[random.nextInt(escapes.length)]) {
      if (at < size) {
        code[at++] = escape;
      }
    }
    return code;
  }
}
