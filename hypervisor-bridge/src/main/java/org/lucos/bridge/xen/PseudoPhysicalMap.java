package org.lucos.bridge.xen;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.jna.XenAccess;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.mmu.PagingRoot;
import org.lucos.bridge.mmu.VirtualMemory;

/**
 * Which machine frame is which frame of a PV guest. Such a guest counts its frames from 0 on and
 * calls that physical; its page tables, which the hypervisor walks as well, hold machine frames. It
 * keeps a list of them for itself, its p2m, and tells tools where: {@code struct arch_shared_info}
 * of {@code public/arch-x86/xen.h}, in the page that it shares with Xen.
 *
 * <pre>
 * 3088  u64  max_pfn: entries in the list        3120  u64  p2m_vaddr: the list
 * 3112  u64  p2m_cr3: page tables that map the list, 0 if there are none yet
 * </pre>
 *
 * <p>All of it is the guest's own word: what it leads to may be no page, or no page of the guest's.
 * Xen maps none but the guest's.
 */
final class PseudoPhysicalMap {
  private static final int ENTRIES = 3088;
  private static final int ROOT = 3112;
  private static final int LIST = 3120;

  private static final String SPACE = "pseudo-physical";
  private static final int PER_PAGE = XenAccess.PAGE / Long.BYTES;
  private static final int PAGES_AT_ONCE = 64;

  /** More frames than pages are holes: the 4 GiB below which devices lie, and more of that kind. */
  private static final long MOST_HOLES = 1 << 21;

  private static final GuestPhysicalAddress NOWHERE = new GuestPhysicalAddress(0);

  private final Supplier<XenMemory> machine;
  private final long sharedInfo;

  /**
   * @param machine gives a view of all the guest's memory by machine address
   * @param sharedInfo the frame that the guest shares with Xen
   */
  PseudoPhysicalMap(Supplier<XenMemory> machine, long sharedInfo) {
    this.machine = machine;
    this.sharedInfo = sharedInfo;
  }

  /** A view of all machine memory, of which Xen maps what is the guest's. */
  static XenMemory everything(XenAccess xen, int domain) {
    return new XenMemory(
        xen, domain, List.of(new MemoryRegion(NOWHERE, 1L << 52)), System::nanoTime);
  }

  /**
   * Where a page of the guest's is.
   *
   * @param at an address as the guest counts them
   * @throws MemoryFaultException if the guest tells of no machine frame there
   */
  GuestPhysicalAddress machineAddress(GuestPhysicalAddress at) {
    long frame = at.value() / XenAccess.PAGE;
    return told(
        told -> {
          if (frame >= told.entries()) {
            throw fault(at.value(), "behind the end of the guest's list of frames");
          }
          long entry = told.list().u64(told.at().plus(frame * Long.BYTES));
          if (!isFrame(entry)) {
            throw fault(at.value(), "no machine frame in the guest's list");
          }
          return new GuestPhysicalAddress(entry * XenAccess.PAGE + at.value() % XenAccess.PAGE);
        });
  }

  /**
   * The machine frames in the guest's list, ascending, each once.
   *
   * @param pages how many the guest has, as Xen counts them
   * @throws MemoryFaultException if there is no list, or one that is absurdly long
   */
  long[] frames(long pages) {
    return told(
        told -> {
          if (told.entries() < 0 || told.entries() > pages + MOST_HOLES) {
            throw fault(0, "absurd length of the guest's list of frames: " + told.entries());
          }
          long[] frames = new long[Math.toIntExact(Math.min(told.entries(), pages + PER_PAGE))];
          int count = 0;
          long[] entries = new long[PAGES_AT_ONCE * PER_PAGE];
          for (long first = 0; first < told.entries(); first += entries.length) {
            int read = (int) Math.min(entries.length, told.entries() - first);
            read(told, first, entries, read);
            for (int i = 0; i < read; i++) {
              if (isFrame(entries[i]) && count < frames.length) {
                frames[count++] = entries[i];
              }
            }
          }
          return Arrays.stream(frames, 0, count).sorted().distinct().toArray();
        });
  }

  /** What is not mapped are frames that the guest has never had. */
  private static void read(Told told, long first, long[] into, int count) {
    try {
      read(told, first, into, 0, count);
    } catch (MemoryFaultException e) {
      for (int at = 0; at < count; at += PER_PAGE) {
        int length = Math.min(PER_PAGE, count - at);
        try {
          read(told, first + at, into, at, length);
        } catch (MemoryFaultException missing) {
          Arrays.fill(into, at, at + length, -1);
        }
      }
    }
  }

  private static void read(Told told, long first, long[] into, int at, int count) {
    byte[] bytes = told.list().bytes(told.at().plus(first * Long.BYTES), count * Long.BYTES);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(into, at, count);
  }

  /**
   * Frames of others and of devices have the highest bits set; all bits are where there is none.
   */
  private static boolean isFrame(long entry) {
    return entry > 0 && entry <= PagingRoot.ALL_ADDRESS_BITS / XenAccess.PAGE;
  }

  /** What the guest says: a list, where it begins, and how long it is. */
  private record Told(VirtualMemory list, GuestVirtualAddress at, long entries) {}

  private <T> T told(Function<Told, T> use) {
    try (XenMemory memory = machine.get()) {
      byte[] page = new byte[XenAccess.PAGE];
      memory.read(new GuestPhysicalAddress(sharedInfo * XenAccess.PAGE), page, 0, page.length);
      ByteBuffer shared = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
      long root = shared.getLong(ROOT) & PagingRoot.ALL_ADDRESS_BITS;
      long list = shared.getLong(LIST);
      if (root == 0 || list % XenAccess.PAGE != 0) {
        throw fault(0, "the guest does not tell where its list of frames is: it is still booting");
      }
      PagingRoot tables =
          new PagingRoot(new GuestPhysicalAddress(root), 4, PagingRoot.ALL_ADDRESS_BITS);
      return use.apply(
          new Told(
              new VirtualMemory(memory, tables),
              new GuestVirtualAddress(list),
              shared.getLong(ENTRIES)));
    }
  }

  private static MemoryFaultException fault(long at, String reason) {
    return new MemoryFaultException(SPACE, at, 1, reason);
  }
}
