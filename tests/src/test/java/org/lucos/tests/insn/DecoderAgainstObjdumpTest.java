package org.lucos.tests.insn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;

/** Every instruction of whole Debian kernels, as {@code objdump -d} reads them. */
class DecoderAgainstObjdumpTest {
  private static final Pattern LINE =
      Pattern.compile("^([0-9a-f]{16}):\t((?:[0-9a-f]{2} )+) *\t(.*)$");
  private static final Pattern BRANCH =
      Pattern.compile(
          "^(?:(?:cs|ds|bnd|notrack|repz|repnz|rex\\S*|data16) )*"
              + "(?:call|jmp|j[a-z]+|loop[a-z]*|xbegin)(?:,p[nt])? +(?:0x)?([0-9a-f]{8,16})$");

  @ParameterizedTest
  @ValueSource(strings = {"linux-image-6.1.", "linux-image-6.12."})
  void everyLengthAndBranchTargetAgrees(String prefix, @TempDir Path folder) throws Exception {
    Optional<Path> deb = KernelPackages.find(prefix);
    assumeTrue(deb.isPresent(), "no kernel image package in the cache: prefix=" + prefix);
    Path vmlinux = KernelPackages.vmlinux(deb.orElseThrow(), folder);
    Process objdump =
        new ProcessBuilder("objdump", "-d", "-w", "-z", vmlinux.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    List<String> differences = new ArrayList<>();
    long instructions = 0;
    long branches = 0;
    try (BufferedReader lines = objdump.inputReader(StandardCharsets.US_ASCII)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher parts = LINE.matcher(line);
        if (!parts.matches() || notAnInstruction(parts.group(3))) {
          continue;
        }
        long address = Long.parseUnsignedLong(parts.group(1), 16);
        byte[] code = HexFormat.ofDelimiter(" ").parseHex(parts.group(2).strip());
        Instruction decoded = Decoder.decode(code, 0, address);
        OptionalLong target = target(parts.group(3));
        instructions++;
        branches += target.isPresent() ? 1 : 0;
        if (decoded.length() != code.length || !decoded.target().equals(target)) {
          differences.add(line + " -> " + decoded);
        }
      }
    }
    assertThat(objdump.waitFor()).isZero();
    assertThat(differences.stream().limit(50)).isEmpty();
    System.out.printf("%s: %,d instructions, %,d branches%n", prefix, instructions, branches);
    assertThat(instructions).isGreaterThan(3_000_000);
    assertThat(branches).isGreaterThan(300_000);
  }

  /**
   * What objdump prints for bytes it cannot place: bad opcodes and prefixes on their own. And
   * {@code finit}, which is two instructions: {@code fwait}, {@code fninit}.
   */
  private static boolean notAnInstruction(String text) {
    return text.contains("(bad)")
        || text.equals("finit")
        || text.matches(
            "(?:rex(?:\\.[WRXB]+)?|data16|cs|ds|es|ss|fs|gs|lock|repz|repnz|addr32|\\s)+");
  }

  private static OptionalLong target(String text) throws IOException {
    Matcher branch = BRANCH.matcher(text.replaceAll("\\s*(?:<.*>|#.*)$", "").strip());
    return branch.matches()
        ? OptionalLong.of(Long.parseUnsignedLong(branch.group(1), 16))
        : OptionalLong.empty();
  }
}
