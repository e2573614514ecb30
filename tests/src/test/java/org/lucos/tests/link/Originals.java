package org.lucos.tests.link;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.Flavour;
import org.lucos.patcher.build.KernelTree;
import org.lucos.patcher.build.ReferenceObject;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfCopy;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;

/** Objects of many parts of the kernel, compiled as the distribution did. */
final class Originals {
  private static final List<String> FILES =
      List.of(
          "fs/readdir.c",
          "fs/namei.c",
          "fs/pipe.c",
          "ipc/sem.c",
          "kernel/fork.c",
          "kernel/sys.c",
          "kernel/time/hrtimer.c",
          "kernel/sched/core.c",
          "mm/memory.c",
          "mm/page_alloc.c",
          "net/core/dev.c",
          "net/ipv4/tcp_input.c",
          "net/ipv4/udp.c",
          "arch/x86/kernel/process_64.c");

  private Originals() {}

  /** Compiles them, or takes them from the cache of the tree; by the object's path. */
  static Map<String, ReferenceObject> compile(KernelTree tree) {
    Map<String, ReferenceObject> originals = new TreeMap<>();
    for (String file : FILES) {
      String object = file.replace(".c", ".o");
      byte[] elf = tree.compile(file, Flavour.PLAIN, BuildListener.SILENT);
      originals.put(
          object,
          new ReferenceObject(
              object,
              Optional.empty(),
              Bytes.of(ElfCopy.withoutDebug(ElfObject.parse(object, elf)))));
    }
    return originals;
  }

  /** Functions in the main section of code that no other object can take the place of. */
  static List<ElfSymbol> functions(ReferenceObject original) {
    ElfObject elf = ElfObject.parse(original.object(), original.elf());
    return elf.symbols().stream()
        .filter(symbol -> symbol.type() == SymbolType.FUNC && symbol.isInSection())
        .filter(symbol -> elf.section(symbol.section()).name().equals(".text"))
        .filter(symbol -> symbol.size() > 0 && symbol.binding() != SymbolBinding.WEAK)
        .filter(symbol -> !symbol.name().startsWith("__pfx_"))
        .toList();
  }

  /** An offset in the second half of a function whose byte nothing rewrites. */
  static int unrelocatedByte(ElfObject elf, ElfSymbol symbol) {
    ElfSection section = elf.section(symbol.section());
    for (int offset = (int) symbol.size() / 2; offset < symbol.size(); offset++) {
      long at = symbol.value() + offset;
      boolean near =
          elf.relocations(section).stream().anyMatch(each -> Math.abs(each.offset() - at) < 16);
      boolean listed =
          elf.sections().stream()
              .filter(each -> !each.isCode())
              .flatMap(each -> elf.relocations(each).stream())
              .anyMatch(
                  each ->
                      each.symbol().section() == symbol.section()
                          && Math.abs(each.symbol().value() + each.addend() - at) < 16
                          && !each.symbol().name().contains("orc"));
      if (!near && !listed) {
        return offset;
      }
    }
    throw new AssertionError("no such byte in " + symbol);
  }

  /** Where the bytes of a section are in its file. */
  static int fileOffset(byte[] file, ElfObject elf, int section) {
    byte[] content = elf.section(section).bytes().toArray();
    for (int at = 64; at + content.length <= file.length; at++) {
      if (Arrays.equals(file, at, at + content.length, content, 0, content.length)) {
        return at;
      }
    }
    throw new AssertionError("section not found");
  }
}
