package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.build.KernelImage;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.Rewrite.Kind;

/**
 * Every place of a kernel's text that the kernel rewrites, from the tables in its image. Those that
 * have no section of their own are found by the symbols around them. Addresses are those of the
 * running kernel.
 */
final class ImageSites {
  private static final int LONGEST = 256;

  private final KernelImage image;
  private final RunningKernel kernel;
  private final long distance;
  private final NavigableMap<Long, List<Site>> sites = new TreeMap<>();

  /**
   * A place.
   *
   * @param target where a jump label leads, or which variable's value a constant is
   * @param replacements what may be put there instead, and where that lies
   */
  record Site(
      long start, int length, Kind kind, OptionalLong target, List<Replacement> replacements) {
    Site {
      replacements = List.copyOf(replacements);
    }

    boolean covers(long address) {
      return address >= start && address < start + length;
    }
  }

  /** Instructions of an alternative: {@code length} bytes at a running address. */
  record Replacement(long address, int length) {}

  ImageSites(KernelImage image, RunningKernel kernel, long distance) {
    this.image = image;
    this.kernel = kernel;
    this.distance = distance;
    list(".retpoline_sites", Kind.RETPOLINE);
    list(".return_sites", Kind.RETURN);
    list(".ibt_endbr_seal", Kind.ENDBR);
    list(".smp_locks", Kind.LOCK_PREFIX);
    alternatives();
    paravirt();
    tables();
    trampolines();
    ftraceHooks();
  }

  /** The places that a byte belongs to, the longest first. */
  List<Site> covering(long address) {
    List<Site> found = new ArrayList<>();
    sites
        .subMap(address - LONGEST, false, address, true)
        .values()
        .forEach(all -> all.stream().filter(site -> site.covers(address)).forEach(found::add));
    found.sort((a, b) -> Integer.compare(b.length(), a.length()));
    return found;
  }

  /** The bytes of the image at a running address. */
  byte[] bytes(long address, int length) {
    KernelImage.Section section = section(address);
    int at = (int) (address - distance - section.address());
    if (at > section.size() - length) {
      throw new MalformedDataException("kernel image", address, "a place across a section's end");
    }
    return image.bytes(section, at, length);
  }

  private KernelImage.Section section(long address) {
    return image
        .sectionAt(address - distance)
        .orElseThrow(() -> new MalformedDataException("kernel image", address, "no section there"));
  }

  private void add(Kind kind, long start, int length, OptionalLong target, List<Replacement> to) {
    if (length > 0) {
      sites
          .computeIfAbsent(start, key -> new ArrayList<>())
          .add(new Site(start, length, kind, target, to));
    }
  }

  private void add(Kind kind, long start, int length) {
    add(kind, start, length, OptionalLong.empty(), List.of());
  }

  /** A table whose entries are distances from themselves. */
  private void list(String name, Kind kind) {
    image
        .section(name)
        .ifPresent(
            section -> {
              byte[] table = image.content(section);
              for (int at = 0; at + 4 <= table.length; at += 4) {
                long place = section.address() + distance + at + i32(table, at);
                if (isCode(place)) {
                  add(kind, place, lengthOf(kind, place));
                }
              }
            });
  }

  private int lengthOf(Kind kind, long place) {
    return switch (kind) {
      case ENDBR -> 4;
      case LOCK_PREFIX -> 1;
      default -> instructionLength(place);
    };
  }

  private int instructionLength(long place) {
    KernelImage.Section section = section(place);
    int room = (int) Math.min(15, section.address() + distance + section.size() - place);
    Instruction instruction = Decoder.decode(bytes(place, room), 0, place);
    return instruction.length();
  }

  private boolean isCode(long place) {
    return image.sectionAt(place - distance).filter(s -> s.name().equals(".text")).isPresent();
  }

  /** {@code struct alt_instr}: two distances, feature bits, and two lengths at its end. */
  private void alternatives() {
    Optional<KernelImage.Section> section = image.section(".altinstructions");
    if (section.isEmpty()) {
      return;
    }
    int size = (int) kernel.types().struct("alt_instr").size();
    byte[] table = image.content(section.get());
    long base = section.get().address() + distance;
    for (int at = 0; at + size <= table.length; at += size) {
      long place = base + at + i32(table, at);
      long replacement = base + at + 4 + i32(table, at + 4);
      if (isCode(place)) {
        int length = table[at + size - 1] & 0xff;
        add(
            Kind.ALTERNATIVE,
            place,
            table[at + size - 2] & 0xff,
            OptionalLong.empty(),
            List.of(new Replacement(replacement, length)));
      }
    }
  }

  /** {@code struct paravirt_patch_site}: address, type, length; 16 bytes. */
  private void paravirt() {
    image
        .section(".parainstructions")
        .ifPresent(
            section -> {
              byte[] table = image.content(section);
              for (int at = 0; at + 16 <= table.length; at += 16) {
                long place = u64(table, at);
                if (isCode(place)) {
                  add(Kind.PARAVIRT, place, table[at + 9] & 0xff);
                }
              }
            });
  }

  private void tables() {
    table("__start___jump_table", "__stop___jump_table")
        .ifPresent(
            found -> {
              for (int at = 0; at + 16 <= found.content.length; at += 16) {
                long place = found.start + at + i32(found.content, at);
                long target = found.start + at + 4 + i32(found.content, at + 4);
                if (isCode(place)) {
                  add(
                      Kind.JUMP_LABEL,
                      place,
                      instructionLength(place),
                      OptionalLong.of(target),
                      List.of());
                }
              }
            });
    table("__start_static_call_sites", "__stop_static_call_sites")
        .ifPresent(
            found -> {
              for (int at = 0; at + 8 <= found.content.length; at += 8) {
                long place = found.start + at + i32(found.content, at);
                if (isCode(place)) {
                  add(Kind.STATIC_CALL, place, instructionLength(place));
                }
              }
            });
    table("__start_mcount_loc", "__stop_mcount_loc")
        .ifPresent(
            found -> {
              for (int at = 0; at + 8 <= found.content.length; at += 8) {
                long place = u64(found.content, at);
                if (isCode(place)) {
                  add(Kind.FENTRY, place, 5);
                }
              }
            });
    for (KernelSymbol symbol : symbols("__start_runtime_")) {
      String name = symbol.name().substring("__start_".length());
      int width = RuntimeConstants.width(name);
      Optional<KernelSymbol> variable =
          kernel.symbols().find(name.substring(name.indexOf('_', "runtime_".length()) + 1));
      if (width > 0 && variable.isPresent()) {
        table(symbol.name(), "__stop_" + name)
            .ifPresent(found -> constants(found, width, variable.get().address().value()));
      }
    }
  }

  private void constants(Table found, int width, long variable) {
    for (int at = 0; at + 4 <= found.content.length; at += 4) {
      long place = found.start + at + i32(found.content, at);
      if (isCode(place)) {
        Kind kind = width == 8 ? Kind.RUNTIME_POINTER : Kind.RUNTIME_SHIFT;
        add(kind, place, width, OptionalLong.of(variable), List.of());
      }
    }
  }

  /** {@code __SCT__NAME}: a jump, or a return, that the kernel rewrites like a call site. */
  private void trampolines() {
    for (KernelSymbol symbol : symbols("__SCT__")) {
      if (isCode(symbol.address().value())) {
        add(Kind.STATIC_CALL, symbol.address().value(), 5);
      }
    }
  }

  /** The calls inside of ftrace's own entry code. */
  private void ftraceHooks() {
    for (String name : List.of("ftrace_call", "ftrace_regs_call", "ftrace_graph_call")) {
      kernel.symbols().all(name).stream()
          .map(symbol -> symbol.address().value())
          .filter(this::isCode)
          .forEach(address -> add(Kind.FENTRY, address, 5));
    }
  }

  private List<KernelSymbol> symbols(String prefix) {
    List<KernelSymbol> found = new ArrayList<>();
    for (int i = 0; i < kernel.symbols().size(); i++) {
      KernelSymbol symbol = kernel.symbols().get(i);
      if (symbol.name().startsWith(prefix)) {
        found.add(symbol);
      }
    }
    return found;
  }

  @SuppressWarnings("ArrayRecordComponent") // private, and nobody changes it
  private record Table(long start, byte[] content) {}

  private Optional<Table> table(String start, String stop) {
    Optional<GuestVirtualAddress> from =
        kernel.symbols().all(start).stream().map(KernelSymbol::address).findFirst();
    Optional<GuestVirtualAddress> to =
        kernel.symbols().all(stop).stream().map(KernelSymbol::address).findFirst();
    if (from.isEmpty() || to.isEmpty() || to.get().value() <= from.get().value()) {
      return Optional.empty();
    }
    int length = Math.toIntExact(to.get().minus(from.get()));
    return Optional.of(new Table(from.get().value(), bytes(from.get().value(), length)));
  }

  private static int i32(byte[] data, int at) {
    return (data[at] & 0xff)
        | (data[at + 1] & 0xff) << 8
        | (data[at + 2] & 0xff) << 16
        | data[at + 3] << 24;
  }

  private static long u64(byte[] data, int at) {
    return (i32(data, at) & 0xffffffffL) | ((long) i32(data, at + 4) << 32);
  }
}
