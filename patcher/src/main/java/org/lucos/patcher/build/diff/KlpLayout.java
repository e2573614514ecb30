package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableList;
import java.util.List;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;

/**
 * How livepatch's structures are laid out in one kernel (include/linux/livepatch.h), measured by
 * its own compiler: {@link #PROBE} is compiled with the kernel's headers and its numbers are read
 * back.
 *
 * @param funcSize of {@code struct klp_func}
 * @param callbacks offsets in {@code struct klp_object}, in the order of the callback kinds
 */
public record KlpLayout(
    int funcSize,
    int oldName,
    int newFunc,
    int oldSympos,
    int objectSize,
    int objectName,
    int objectFuncs,
    List<Integer> callbacks,
    int patchSize,
    int patchObjects) {
  private static final String SYMBOL = "lucos_klp_layout";
  private static final int NUMBERS = 13;
  private static final int LARGEST = 4096;

  /** The C source that measures. */
  public static final String PROBE =
      """
      #include <linux/livepatch.h>
      #include <linux/stddef.h>
      extern const unsigned long lucos_klp_layout[];
      const unsigned long lucos_klp_layout[] = {
      	sizeof(struct klp_func), offsetof(struct klp_func, old_name),
      	offsetof(struct klp_func, new_func), offsetof(struct klp_func, old_sympos),
      	sizeof(struct klp_object), offsetof(struct klp_object, name),
      	offsetof(struct klp_object, funcs),
      	offsetof(struct klp_object, callbacks.pre_patch),
      	offsetof(struct klp_object, callbacks.post_patch),
      	offsetof(struct klp_object, callbacks.pre_unpatch),
      	offsetof(struct klp_object, callbacks.post_unpatch),
      	sizeof(struct klp_patch), offsetof(struct klp_patch, objs),
      };
      """;

  /** Copies the list. */
  public KlpLayout {
    callbacks = ImmutableList.copyOf(callbacks);
  }

  /**
   * Reads the compiled probe.
   *
   * @throws MalformedDataException if it does not hold the numbers
   */
  public static KlpLayout of(ElfObject probe) {
    for (ElfSymbol symbol : probe.symbols(SYMBOL)) {
      if (symbol.isInSection() && symbol.size() == 8L * NUMBERS) {
        ElfSection section = probe.section(symbol.section());
        Bytes bytes = section.bytes();
        int[] n = new int[NUMBERS];
        for (int i = 0; i < NUMBERS; i++) {
          n[i] = number(probe.source(), bytes, symbol.value() + 8L * i);
        }
        return new KlpLayout(
            n[0],
            n[1],
            n[2],
            n[3],
            n[4],
            n[5],
            n[6],
            List.of(n[7], n[8], n[9], n[10]),
            n[11],
            n[12]);
      }
    }
    throw new MalformedDataException(probe.source(), 0, "no " + SYMBOL);
  }

  private static int number(String source, Bytes bytes, long offset) {
    if (offset < 0 || offset + 8 > bytes.size()) {
      throw new MalformedDataException(source, offset, SYMBOL + " is cut short");
    }
    long value = KlpReader.word(bytes, (int) offset);
    if (value < 0 || value > LARGEST) {
      throw new MalformedDataException(source, offset, "absurd offset: " + value);
    }
    return (int) value;
  }
}
