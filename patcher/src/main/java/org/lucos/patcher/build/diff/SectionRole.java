package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableSet;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfSection;

/**
 * What the kernel uses a section for, and so what a live patch may do with it. Names: the linker
 * script include/asm-generic/vmlinux.lds.h and the macros that place things there.
 */
enum SectionRole {
  /** Never loaded, or nothing a module needs: debug information, notes, hints for build tools. */
  IGNORED,
  /** Code that can be replaced. */
  TEXT,
  /** Code that runs where tracing must not be: it has no place for a redirect. */
  FIXED_TEXT,
  /** Code that ran at boot and is gone. */
  INIT_TEXT,
  /** Code without symbols that belongs to the function that names it: alternatives. */
  CHUNKS,
  /** Variables and constants with names. */
  DATA,
  /** Variables of which each CPU has its own. */
  PER_CPU,
  /** String literals. */
  STRINGS,
  /** Unnamed constants of one size. */
  CONSTANTS,
  /** An array with an entry for places in functions; see {@link TableFormat}. */
  TABLE,
  /** Read at boot, or by address range: a patch cannot add to it. */
  FROZEN;

  private static final ImmutableSet<String> UNUSED =
      ImmutableSet.of(
          ".modinfo",
          ".printk_index",
          "__patchable_function_entries",
          ".orc_header",
          ".orc_lookup");

  private static final ImmutableSet<String> CHUNK_SECTIONS =
      ImmutableSet.of(".altinstr_replacement", ".altinstr_aux");

  /** Descriptors of debug messages; pointers to strings that tracing knows by their address. */
  private static final ImmutableSet<String> DATA_OF_MACROS =
      ImmutableSet.of("__dyndbg", "__tracepoint_str");

  static SectionRole of(ElfSection section) {
    String name = section.name();
    if (!section.isAllocated()
        || section.type() == ElfFormat.SHT_NOTE
        || name.startsWith(".discard")
        || name.startsWith(".note")
        || UNUSED.contains(name)) {
      return IGNORED;
    }
    if (TableFormat.of(name).isPresent() || name.equals(TableFormat.ORC_DATA)) {
      return TABLE;
    }
    if (CHUNK_SECTIONS.contains(name)) {
      return CHUNKS;
    }
    if (section.isCode()) {
      return ofCode(name);
    }
    if (name.startsWith(".data..percpu")) {
      return PER_CPU;
    }
    if (isNamed(name, ".rodata") || isNamed(name, ".init.rodata")) {
      if (section.has(ElfFormat.SHF_MERGE | ElfFormat.SHF_STRINGS)) {
        return STRINGS;
      }
      if (section.has(ElfFormat.SHF_MERGE) && section.entrySize() > 0) {
        return CONSTANTS;
      }
    }
    for (String data : new String[] {".data", ".bss", ".rodata", ".init.data", ".init.rodata"}) {
      if (isNamed(name, data)) {
        return DATA;
      }
    }
    return DATA_OF_MACROS.contains(name) ? DATA : FROZEN;
  }

  private static SectionRole ofCode(String name) {
    for (String boot : new String[] {".init", ".exit", ".meminit", ".memexit", ".head.text"}) {
      if (name.startsWith(boot)) {
        return INIT_TEXT;
      }
    }
    for (String fixed : new String[] {".noinstr.text", ".entry.text", ".cpuidle.text"}) {
      if (name.startsWith(fixed)) {
        return FIXED_TEXT;
      }
    }
    return name.startsWith(".static_call") ? FROZEN : TEXT;
  }

  private static boolean isNamed(String name, String family) {
    return name.equals(family) || name.startsWith(family + ".");
  }

  /** Whether functions live there. */
  boolean holdsFunctions() {
    return this == TEXT || this == FIXED_TEXT || this == INIT_TEXT;
  }
}
