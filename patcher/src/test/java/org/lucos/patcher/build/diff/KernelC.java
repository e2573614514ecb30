package org.lucos.patcher.build.diff;

import com.google.common.base.Splitter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfObject;

/** Small C files compiled as the kernel compiles its own, with its macros for tables in brief. */
public final class KernelC {
  private static final String FLAGS =
      "-w -std=gnu11 -O2 -mcmodel=kernel -fno-pic -fno-pie -fno-asynchronous-unwind-tables"
          + " -fno-strict-aliasing -fno-common -ffreestanding -mno-red-zone -mno-sse -mno-80387"
          + " -fcf-protection=none -fno-stack-protector -fno-jump-tables"
          + " -mindirect-branch=thunk-extern -mfunction-return=thunk-extern"
          + " -pg -mfentry -mrecord-mcount";

  private static final String SECTIONS = "-ffunction-sections -fdata-sections -gbtf";

  /** Layouts as in Linux 6.1: asm/bug.h, asm/asm.h, asm/jump_label.h, asm/alternative.h. */
  private static final String PRELUDE =
      """
      #define NULL ((void *)0)
      #define __section(s) __attribute__((section(s)))
      #define noinline __attribute__((noinline))
      #define notrace __attribute__((no_instrument_function))
      #define unlikely(x) __builtin_expect(!!(x), 0)
      #define WARN_FLAGS(c, flags) ({ int __c = !!(c); if (unlikely(__c)) \\
        asm volatile("1: ud2\\n.pushsection __bug_table,\\"aw\\"\\n2: .long 1b - .\\n.long %c0 - .\\n" \\
          ".word %c1\\n.word %c2\\n.org 2b+12\\n.popsection\\n" \\
          : : "i" (__FILE__), "i" (__LINE__), "i" (flags)); __c; })
      #define WARN_ON(c) WARN_FLAGS(c, 1)
      #define WARN_ON_ONCE(c) WARN_FLAGS(c, 3)
      #define get_user(x, p) get_user_as(x, p, 3)
      #define get_user_as(x, p, type) ({ int __e = 0; asm volatile("1: mov %2, %1\\n2:\\n" \\
          ".pushsection __ex_table,\\"a\\"\\n.balign 4\\n.long 1b - .\\n.long 2b - .\\n.long " #type "\\n" \\
          ".popsection\\n" : "+r" (__e), "=r" (x) : "m" (*(p))); __e; })
      struct static_key { int enabled; void *entries; };
      #define static_branch(key) ({ __label__ yes, done; int __r = 0; \\
        asm goto("1: .byte 0x0f,0x1f,0x44,0x00,0x00\\n.pushsection __jump_table,\\"aw\\"\\n" \\
          ".balign 8\\n.long 1b - .\\n.long %l[yes] - .\\n.quad %c0 - .\\n.popsection\\n" \\
          : : "i" (key) : : yes); goto done; yes: __r = 1; done: __r; })
      #define alternative(old, new, feature) \\
        asm volatile("661: " old "\\n662:\\n.pushsection .altinstructions,\\"a\\"\\n" \\
          ".long 661b - .\\n.long 663f - .\\n.word " #feature "\\n.byte 662b-661b\\n.byte 664f-663f\\n" \\
          ".popsection\\n.pushsection .altinstr_replacement,\\"ax\\"\\n663: " new "\\n664:\\n" \\
          ".popsection\\n" : : : "memory")
      #define EXPORT_SYMBOL(s) asm(".section \\"___ksymtab+" #s "\\",\\"a\\"\\n.balign 4\\n" \\
          "__ksymtab_" #s ": .long " #s " - .\\n.previous\\n")
      int printk(const char *format, ...);
      void use(void *);
      int rare(void);
      """;

  private KernelC() {}

  /** Compiled with a section for every function and variable. */
  static ElfObject sections(String source) {
    return ElfObject.parse("test.c", compile(source, SECTIONS));
  }

  /** The object before and after a change, compared. */
  static Extraction compare(String before, String after) {
    return ObjectDiff.compare("dir/test.o", sections(before), sections(after));
  }

  /** A file's object as the kernel has it. */
  public static Bytes plainObject(String source) {
    return compile(source, "");
  }

  /** A file's object with a section for every function and variable. */
  public static Bytes sectionsObject(String source) {
    return compile(source, SECTIONS);
  }

  private static Bytes compile(String source, String extra) {
    try {
      Path folder = Files.createTempDirectory("lucos-c");
      try {
        Path object = folder.resolve("test.o");
        // the prelude must not count as lines of the file
        Files.writeString(folder.resolve("prelude.h"), PRELUDE);
        Files.writeString(folder.resolve("test.c"), source);
        List<String> command = new ArrayList<>(List.of("gcc"));
        command.addAll(Splitter.on(' ').omitEmptyStrings().splitToList(FLAGS + " " + extra));
        command.addAll(List.of("-include", "prelude.h", "-c", "-o", "test.o", "test.c"));
        run(folder, command);
        return Bytes.of(Files.readAllBytes(object));
      } finally {
        try (var files = Files.list(folder)) {
          for (Path file : files.toList()) {
            Files.delete(file);
          }
        }
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs a tool; its output, errors among it. */
  public static String run(Path folder, List<String> command) {
    try {
      Process process =
          new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      int status = process.waitFor();
      if (status != 0) {
        throw new IllegalStateException(command + " failed: " + output);
      }
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
