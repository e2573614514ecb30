package org.lucos.patcher.build;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * A kernel as it lies in a boot image: an ELF file with its symbols stripped, and behind it the
 * places that hold addresses, which the boot code changes when it moves the kernel.
 *
 * <p>Layout of what lies behind (arch/x86/tools/relocs.c, {@code handle_relocations()} of
 * arch/x86/boot/compressed/misc.c): lists of 32-bit words, each a sign-extended virtual address,
 * with a zero in front of each list: places of 64 bits, of 32 bits from which the distance is
 * subtracted (per-CPU; newer kernels have no such list), and of 32 bits.
 */
public final class KernelImage {
  private static final int SHOFF = 0x28;
  private static final int SHENTSIZE = 0x3a;
  private static final int NO_BITS = 8;
  private static final int MOST_LISTS = 3;

  private final String source;
  private final byte[] file;
  private final List<Section> sections = new ArrayList<>();

  /**
   * A section that the kernel has in memory.
   *
   * @param address that it was linked for
   * @param offset in the file
   */
  public record Section(String name, long address, long offset, int size) {}

  private KernelImage(String source, byte[] file) {
    this.source = source;
    this.file = file;
  }

  /**
   * Reads an image, and moves it.
   *
   * @param file the kernel that a boot image contains, unpacked
   * @param distance from where it was linked for to where it runs
   * @throws MalformedDataException if it is no such thing
   */
  public static KernelImage moved(String source, byte[] file, long distance) {
    KernelImage image = new KernelImage(source, file.clone());
    image.move(image.readSections(), distance);
    return image;
  }

  /** The build-id of an unpacked kernel. */
  public static String buildId(String source, byte[] file) {
    return BuildId.of(source, file);
  }

  private long readSections() {
    ByteCursor cursor = new ByteCursor(source, file);
    long table = cursor.seek(SHOFF).u64();
    int entrySize = cursor.seek(SHENTSIZE).u16();
    int count = cursor.u16();
    int names = cursor.u16();
    if (entrySize != 64) {
      throw new MalformedDataException(source, SHENTSIZE, "section headers of size " + entrySize);
    }
    long strings = cursor.seek(table + names * 64L + 24).u64();
    for (int index = 0; index < count; index++) {
      cursor.seek(table + index * 64L);
      long name = cursor.u32();
      long type = cursor.u32();
      cursor.skip(8);
      long address = cursor.u64();
      long offset = cursor.u64();
      long size = cursor.u64();
      if (type != NO_BITS && address != 0 && size > 0) {
        cursor.slice(source, offset, size); // fails if it is outside
        String text = cursor.seek(strings + name).cString();
        sections.add(new Section(text, address, offset, (int) size));
      }
    }
    return table + count * 64L;
  }

  private void move(long end, long distance) {
    ByteCursor cursor = new ByteCursor(source, file).seek(end);
    int words = cursor.remaining() / 4;
    if (words == 0) {
      return; // a kernel that cannot be moved
    }
    List<List<Long>> lists = new ArrayList<>();
    for (int i = 0; i < words; i++) {
      long place = cursor.i32();
      if (place == 0) {
        lists.add(new ArrayList<>());
      } else if (lists.isEmpty()) {
        throw new MalformedDataException(source, end, "no list of addresses behind the sections");
      } else {
        lists.get(lists.size() - 1).add(place);
      }
    }
    if (lists.size() < 2 || lists.size() > MOST_LISTS) {
      throw new MalformedDataException(source, end, lists.size() + " lists of addresses");
    }
    for (long place : lists.get(0)) {
      add(place, 8, distance);
    }
    for (long place : lists.get(lists.size() - 1)) {
      add(place, 4, distance);
    }
    for (List<Long> inverse : lists.subList(1, lists.size() - 1)) {
      for (long place : inverse) {
        add(place, 4, -distance);
      }
    }
  }

  private void add(long place, int width, long distance) {
    Optional<Section> section = sectionAt(place);
    if (section.isEmpty()) {
      return; // per-CPU data, which is linked for address 0 and has no text
    }
    long within = place - section.get().address();
    if (within > section.get().size() - width) {
      throw new MalformedDataException(source, place, "an address across the end of a section");
    }
    int at = (int) (section.get().offset() + within);
    long sum = little(at, width) + distance;
    for (int i = 0; i < width; i++) {
      file[at + i] = (byte) (sum >>> (8 * i));
    }
  }

  private long little(int at, int width) {
    long value = 0;
    for (int i = width - 1; i >= 0; i--) {
      value = (value << 8) | (file[at + i] & 0xff);
    }
    return value;
  }

  /** The sections, with the addresses they were linked for. */
  public List<Section> sections() {
    return List.copyOf(sections);
  }

  /** The section of this name, if there is one. */
  public Optional<Section> section(String name) {
    return sections.stream().filter(section -> section.name().equals(name)).findFirst();
  }

  /** The section an address belongs to, as it was linked. */
  public Optional<Section> sectionAt(long address) {
    return sections.stream()
        .filter(s -> address >= s.address() && address - s.address() < s.size())
        .findFirst();
  }

  /** What a section holds, once moved. */
  public byte[] content(Section section) {
    return bytes(section, 0, section.size());
  }

  /** A part of it. */
  public byte[] bytes(Section section, int from, int length) {
    if (from < 0 || length < 0 || from > section.size() - length) {
      throw new MalformedDataException(source, section.offset() + from, "outside of a section");
    }
    int start = (int) section.offset() + from;
    return Arrays.copyOfRange(file, start, start + length);
  }
}
