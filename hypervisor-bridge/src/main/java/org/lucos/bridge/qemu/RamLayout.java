package org.lucos.bridge.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.memory.MemoryRegion;

/**
 * Where a guest has RAM, from what {@code info mtree -f} prints: the flat view of the address space
 * {@code memory}, without ROM, device registers and what else is not plain RAM. The format is that
 * of {@code mtree_print_flatview()} in QEMU's softmmu/memory.c.
 */
final class RamLayout {
  private static final Pattern RANGE =
      Pattern.compile("\\s+([0-9a-f]{1,16})-([0-9a-f]{1,16}) \\(prio -?[0-9]+, ([a-z/-]+)\\): .*");
  private static final String VIEW = "FlatView #";
  private static final String SYSTEM_MEMORY = " AS \"memory\", root: ";

  private RamLayout() {}

  /**
   * The RAM regions in ascending order.
   *
   * @throws DomainRefusedException if the text has no such address space, or one without RAM
   */
  static List<MemoryRegion> parse(String tree) {
    boolean inView = false;
    List<MemoryRegion> regions = new ArrayList<>();
    for (String line : tree.lines().toList()) {
      if (line.startsWith(VIEW)) {
        if (inView) {
          break;
        }
      } else if (line.startsWith(SYSTEM_MEMORY)) {
        inView = true;
      } else if (inView) {
        Matcher range = RANGE.matcher(line);
        if (range.matches() && isRam(range.group(3))) {
          regions.add(region(line, range));
        }
      }
    }
    if (regions.isEmpty()) {
      throw malformed("no RAM in address space 'memory'");
    }
    return checkedOrder(regions);
  }

  private static boolean isRam(String type) {
    return type.equals("ram") || type.equals("nv-ram");
  }

  private static MemoryRegion region(String line, Matcher range) {
    try {
      long start = Long.parseUnsignedLong(range.group(1), 16);
      long last = Long.parseUnsignedLong(range.group(2), 16);
      MemoryRegion region =
          new MemoryRegion(new GuestPhysicalAddress(start), Math.addExact(last - start, 1));
      if (region.size() <= 0 || new GuestPhysicalAddress(last).value() < start) {
        throw malformed("range ends before it starts: " + line.strip());
      }
      return region;
    } catch (AddressOutOfRangeException | ArithmeticException e) {
      throw new DomainRefusedException(refusal("range out of bounds: " + line.strip()), e);
    }
  }

  private static List<MemoryRegion> checkedOrder(List<MemoryRegion> regions) {
    for (int i = 1; i < regions.size(); i++) {
      MemoryRegion before = regions.get(i - 1);
      if (before.start().value() + before.size() > regions.get(i).start().value()) {
        throw malformed("ranges overlap or are out of order at " + regions.get(i).start());
      }
    }
    return List.copyOf(regions);
  }

  private static DomainRefusedException malformed(String detail) {
    return new DomainRefusedException(refusal(detail));
  }

  private static DomainRefusal refusal(String detail) {
    return new DomainRefusal.HypervisorFailure("monitor command 'info mtree -f'", detail);
  }
}
