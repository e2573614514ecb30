package org.lucos.patcher.link;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.SymbolTable;
import org.lucos.patcher.link.Rewrite.Place;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Immediate operands that the kernel fills in at boot with what a variable then holds, and that the
 * loader of modules knows nothing of (arch/x86/include/asm/runtime-const.h). A table a variable
 * lists them: {@code runtime_ptr_NAME} for 8 bytes, {@code runtime_shift_NAME} for one.
 */
final class RuntimeConstants {
  private static final String POINTER = "runtime_ptr_";
  private static final String SHIFT = "runtime_shift_";

  /** What the compiler leaves where an address is to come. */
  private static final byte[] PLACEHOLDER = {
    (byte) 0xef, (byte) 0xcd, (byte) 0xab, (byte) 0x89, 0x67, 0x45, 0x23, 0x01
  };

  private RuntimeConstants() {}

  /** Bytes of each operand that a table of this name lists; 0 if it is none. */
  static int width(String table) {
    if (table.startsWith(POINTER)) {
      return 8;
    }
    return table.startsWith(SHIFT) ? 1 : 0;
  }

  /**
   * What belongs into the operands of an image: what running code has in such operands, or what the
   * variable holds; where both are known they must agree.
   *
   * @param originals objects found in running code
   * @throws RefusedException {@code SymbolNotResolved} if nothing tells, or not with one voice
   */
  static Map<String, Bytes> resolve(
      ElfObject image,
      Collection<MatchedObject> originals,
      SymbolTable symbols,
      GuestMemory memory) {
    Map<String, Bytes> constants = new HashMap<>();
    for (ElfSection table : image.sections()) {
      int width = width(table.name());
      if (width > 0 && table.size() > 0) {
        Optional<Bytes> value = ofVariable(table.name(), width, symbols, memory);
        for (MatchedObject original : originals) {
          value = agreed(table.name(), value, inText(table.name(), width, original, memory));
        }
        constants.put(
            table.name(), value.orElseThrow(() -> refuse(table.name(), "nothing tells its value")));
      }
    }
    return constants;
  }

  private static Optional<Bytes> ofVariable(
      String table, int width, SymbolTable symbols, GuestMemory memory) {
    List<KernelSymbol> variables =
        symbols.all(table.substring(width == 8 ? POINTER.length() : SHIFT.length()));
    return variables.size() == 1
        ? Optional.of(Bytes.of(memory.bytes(variables.get(0).address(), width)))
        : Optional.empty();
  }

  private static Optional<Bytes> inText(
      String table, int width, MatchedObject original, GuestMemory memory) {
    Optional<Bytes> value = Optional.empty();
    for (ElfSection section : original.object().sections()) {
      if (section.name().equals(table)) {
        for (ElfRelocation entry : original.object().relocations(section.index()).values()) {
          Optional<GuestVirtualAddress> at = operand(original, section, entry);
          if (at.isPresent()) {
            Bytes there = Bytes.of(memory.bytes(at.get(), width));
            value = agreed(table, value, Optional.of(there));
          }
        }
      }
    }
    return value;
  }

  /** Where an operand is in running code; code that ran at boot is gone. */
  private static Optional<GuestVirtualAddress> operand(
      MatchedObject original, ElfSection table, ElfRelocation entry) {
    Optional<Place> place = original.object().place(table.index(), entry.offset());
    if (place.isEmpty()
        || original.base(place.get().section()).isEmpty()
        || original.object().section(place.get().section()).name().startsWith(".init")) {
      return Optional.empty();
    }
    return Optional.of(
        new GuestVirtualAddress(
            original.base(place.get().section()).getAsLong() + place.get().offset()));
  }

  private static Optional<Bytes> agreed(String table, Optional<Bytes> one, Optional<Bytes> other) {
    if (one.isPresent() && other.isPresent() && !one.equals(other)) {
      throw refuse(table, "running code has " + other.get().toHex() + " and " + one.get().toHex());
    }
    return one.isPresent() ? one : other;
  }

  /**
   * Fills the operands of an image's code in.
   *
   * @param contents of the image's sections, by index; changed
   * @throws RefusedException if one is left that no table lists
   */
  static void fillIn(ElfObject image, Map<String, Bytes> constants, Map<Integer, byte[]> contents) {
    ObjectImage object = new ObjectImage(image.source(), image);
    for (ElfSection table : image.sections()) {
      Bytes value = constants.get(table.name());
      if (value != null) {
        for (ElfRelocation entry : image.relocations(table)) {
          Place place =
              object
                  .place(table.index(), entry.offset())
                  .orElseThrow(() -> refuse(table.name(), "an entry about code elsewhere"));
          byte[] code = contents.getOrDefault(place.section(), new byte[0]);
          if (place.offset() < 0 || place.offset() > code.length - value.size()) {
            throw refuse(table.name(), "an entry outside of its section");
          }
          System.arraycopy(value.toArray(), 0, code, (int) place.offset(), value.size());
        }
      }
    }
    contents.forEach(
        (section, code) -> {
          if (image.section(section).isCode() && hasPlaceholder(code)) {
            throw refuse(image.section(section).name(), "a constant is left that no table lists");
          }
        });
  }

  private static boolean hasPlaceholder(byte[] code) {
    for (int at = 0; at <= code.length - PLACEHOLDER.length; at++) {
      if (java.util.Arrays.equals(code, at, at + 8, PLACEHOLDER, 0, 8)) {
        return true;
      }
    }
    return false;
  }

  private static RefusedException refuse(String table, String detail) {
    return new RefusedException(new FitRefusal.SymbolNotResolved(table, detail));
  }
}
