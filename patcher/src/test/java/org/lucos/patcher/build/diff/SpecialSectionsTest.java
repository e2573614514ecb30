package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.patcher.build.diff.KernelC.compare;

import com.google.common.collect.ListMultimap;
import com.google.common.collect.MultimapBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What comes of each section the kernel gives a meaning, as readelf sees the image. */
class SpecialSectionsTest {
  private static final Pattern HEAD = Pattern.compile("Relocation section '\\.rela(.+?)' .*");
  private static final Pattern SECTION =
      Pattern.compile("\\s*\\[ *\\d+\\] (\\S+) +\\S+ +\\S+ +\\S+ +([0-9a-f]+) .*");

  @TempDir private Path folder;

  /** Sizes by section, and where the relocations of each lead to. */
  private record Seen(Map<String, Integer> sizes, ListMultimap<String, String> targets) {}

  private Seen readelf(PatchImage image) throws IOException {
    Files.write(folder.resolve("image.o"), image.elf().toArray());
    Map<String, Integer> sizes = new TreeMap<>();
    ListMultimap<String, String> targets = MultimapBuilder.treeKeys().arrayListValues().build();
    String section = "";
    for (String line :
        KernelC.run(folder, List.of("readelf", "-SrW", "image.o")).lines().toList()) {
      Matcher head = HEAD.matcher(line);
      Matcher row = SECTION.matcher(line);
      String[] words = line.strip().split("\\s+", -1);
      if (head.matches()) {
        section = head.group(1);
      } else if (row.matches()) {
        sizes.put(row.group(1), Integer.parseInt(row.group(2), 16));
      } else if (words.length >= 5 && words[2].startsWith("R_X86_64")) {
        targets.put(section, words[4]);
      }
    }
    return new Seen(sizes, targets);
  }

  private static PatchImage image(String before, String after) {
    PatchImage image = PatchImage.of(List.of(compare(before, after)));
    ImageChecks.check(image);
    return image;
  }

  /** Three functions with an entry each, of which the middle one changes. */
  private static PatchImage withEntry(String name, String flags, String entry) {
    String place =
        "asm volatile(\"1: nop\\n.pushsection "
            + name
            + ",\\\""
            + flags
            + "\\\"\\n"
            + entry
            + "\\n.popsection\");";
    String source =
        "int before(int x) { "
            + place
            + " return x; }\n"
            + "int chosen(int x) { "
            + place
            + " return x; }\n"
            + "int behind(int x) { "
            + place
            + " return x; }\n";
    return image(source, source.replace("chosen(int x) { ", "chosen(int x) { x += 3; "));
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        ".parainstructions | a | .balign 8; .quad 1b; .byte 3; .byte 1; .short 0; .long 0 | 16 | chosen",
        "__bug_table | aw | 2: .long 1b - .; .long 0; .word 7; .word 1 | 12 | chosen",
        "__ex_table | a | .balign 4; .long 1b - .; .long 1b - .; .long 3 | 12 | chosen chosen",
        "__jump_table | aw | .balign 8; .long 1b - .; .long 1b - .; .quad some_key - . | 16 | chosen chosen some_key",
        ".static_call_sites | aw | .balign 4; .long 1b - .; .long __SCK__some - . | 8 | chosen __SCK__some",
        ".retpoline_sites | a | .long 1b - . | 4 | chosen",
        ".return_sites | a | .long 1b - . | 4 | chosen",
        ".call_sites | a | .long 1b - . | 4 | chosen",
        ".ibt_endbr_seal | a | .long 1b - . | 4 | chosen",
        ".cfi_sites | a | .long 1b - . | 4 | chosen",
        ".smp_locks | a | .balign 4; .long 1b - . | 4 | chosen",
        "runtime_ptr_some_pointer | a | .long 1b - . | 4 | chosen",
        "runtime_shift_some_shift | a | .long 1b - . | 4 | chosen",
      })
  void anArrayIsCutDownToTheFunctionsTaken(
      String name, String flags, String entry, int size, String targets) throws IOException {
    String bugs = entry.replace("2: .long 1b - .; .long 0;", "2: .long 1b - .; .long printk - .;");
    String expected = name.equals("__bug_table") ? targets + " printk" : targets;

    Seen seen = readelf(withEntry(name, flags, bugs.replace("; ", "\\n")));

    assertThat(seen.sizes.get(name)).isEqualTo(size);
    assertThat(String.join(" ", seen.targets.get(name))).isEqualTo(expected);
  }

  @Test
  void callsOfTheTracerAreThoseOfTheFunctionsTaken() throws IOException {
    Seen seen = readelf(withEntry(".discard.mine", "", ".long 1b - ."));

    assertThat(seen.sizes.get("__mcount_loc")).isEqualTo(8);
    assertThat(seen.targets.get("__mcount_loc")).containsExactly("chosen");
  }

  @Test
  void anAlternativeBringsItsReplacementAlong() throws IOException {
    String source =
        """
        void one(void) { alternative("nop; nop; nop", "stac", 5); }
        void two(int *p) { alternative("call slow", "call fast", 6); *p = 1; }
        void three(void) { alternative("nop; nop; nop", "clac", 7); }
        """;

    Seen seen = readelf(image(source, source.replace("*p = 1", "*p = 2")));

    assertThat(seen.sizes).containsEntry(".altinstructions", 12);
    assertThat(seen.sizes).containsEntry(".altinstr_replacement", 5);
    assertThat(seen.targets.get(".altinstructions"))
        .containsExactly("two", ".altinstr_replacement");
    assertThat(seen.targets.get(".altinstr_replacement")).containsExactly("fast");
  }

  @Test
  void unwindTablesAreCutDownTogether() throws IOException {
    Seen seen =
        readelf(
            withEntry(
                ".orc_unwind_ip",
                "a",
                ".long 1b - .\\n.popsection\\n.pushsection .orc_unwind,\\\"a\\\"\\n.word 1, 2, 3"));

    assertThat(seen.sizes).containsEntry(".orc_unwind_ip", 4).containsEntry(".orc_unwind", 6);
    assertThat(seen.targets.get(".orc_unwind_ip")).containsExactly("chosen");
  }

  @Test
  void codeOutOfLineComesAlong() throws IOException {
    String entered =
        "asm volatile(\"1: mov (%0), %0\\n2: .pushsection .fixup,\\\"ax\\\"\\n3: xor %0, %0\\njmp 2b"
            + "\\n.popsection\\n.pushsection __ex_table,\\\"a\\\"\\n.long 1b - .\\n.long 3b - .\\n.long 1"
            + "\\n.popsection\" : \"+r\" (x));";
    String source = "long one(long x) { " + entered + " return x; }\n";

    Seen seen = readelf(image(source, source.replace("return x", "return x + 1")));

    assertThat(seen.targets.get("__ex_table")).hasSize(2).first().isEqualTo("one");
    String code = seen.targets.get("__ex_table").get(1);
    assertThat(seen.sizes.get(code)).isPositive();
    assertThat(seen.targets.get(code)).containsExactly("one");
  }

  @ParameterizedTest
  @CsvSource({
    ".discard.reachable, ''",
    ".discard.retpoline_safe, ''",
    ".discard.unreachable, a",
    ".discard.instr_begin, ''",
    "__patchable_function_entries, a",
    ".modinfo, a",
    ".printk_index, a",
  })
  void whatOnlyBuildToolsReadIsDropped(String name, String flags) throws IOException {
    Seen seen = readelf(withEntry(name, flags, ".quad 1b"));

    assertThat(seen.sizes).containsKey(".text.chosen").doesNotContainKey(name);
  }

  @ParameterizedTest
  @CsvSource({
    ".initcall6.init, .long f - .",
    ".init.setup, .quad f",
    ".init.data, .quad f",
    "__param, .quad f",
    "__tracepoints, .quad f",
    "__tracepoints_ptrs, .long f - .",
    "_ftrace_events, .quad f",
    "__bpf_raw_tp_map, .quad f",
    "__syscalls_metadata, .quad f",
    ".static_call_tramp_key, .long f - .",
    ".static_call.text, jmp f",
    "___ksymtab+f, .long f - .",
    ".export_symbol, .quad f",
    "__tracepoint_str, .quad f",
  })
  void whatTheKernelHasReadLongAgoIsDropped(String name, String entry) throws IOException {
    String source =
        "int f(int x) { return x; }\nasm(\".pushsection \\\""
            + name
            + "\\\",\\\"a"
            + (name.endsWith(".text") ? "x" : "")
            + "\\\"\\nmine: "
            + entry
            + "\\n.popsection\");\n";

    Seen seen = readelf(image(source, source.replace("return x", "return x + 1")));

    assertThat(seen.sizes).containsKey(".text.f").doesNotContainKey(name);
  }

  @Test
  void messagesForDebuggingComeAlongWithTheirDescriptors() throws IOException {
    String message =
        "static struct { const char *name; long flags; } descriptor __section(\"__dyndbg\")"
            + " = { __func__, 4 }; use(&descriptor);";
    String source = "int f(int x) { return x; }\nint g(int x) { " + message + " return x; }\n";

    Seen seen =
        readelf(image(source, source.replaceFirst("\\{ return x", "{ " + message + " return x")));

    assertThat(seen.sizes).containsEntry("__dyndbg", 16);
  }

  @Test
  void keysOfTheKernelStayTheKernels() throws IOException {
    String source =
        """
        extern struct static_key foreign;
        struct static_key own;
        static struct static_key hidden;
        int f(int x) { if (static_branch(&own)) return rare(); if (static_branch(&foreign)) return 7; if (static_branch(&hidden)) return 9; return x; }
        """;

    Seen seen = readelf(image(source, source.replace("return x;", "return x + 1;")));

    assertThat(seen.targets.get("__jump_table"))
        .containsExactlyInAnyOrder(
            "f", "f", "dir/test.o:own", "f", "f", "foreign", "f", "f", "dir/test.o:hidden");
    assertThat(seen.sizes.keySet()).noneMatch(name -> name.matches(".*(own|hidden)"));
  }
}
