package org.lucos.tests.faults;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;

/** A recorded guest that lies, differently for each seed. */
final class HostileMemory implements PhysicalMemory {
  /** A walk that needs more than this has no bound: the honest one needs some thousands. */
  private static final long MOST_READS = 3_000_000;

  private static final long[] ABSURD = {
    0, 1, -1, Long.MAX_VALUE, Long.MIN_VALUE, 0x80000000L, 0x7fffffffL, 0xffffffff00000000L
  };

  /** It was read without end. */
  static final class EndlessException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private final List<MemoryRegion> regions;
  private final Map<Long, byte[]> pages;
  private final Map<Long, byte[]> changed = new HashMap<>();
  private final Set<Long> gone = new HashSet<>();
  private final Set<Long> restless = new HashSet<>();
  private final Random random;
  private long reads;

  /**
   * @param pages as recorded; left alone
   * @param favoured numbers of those pages that most of the lies go to
   */
  HostileMemory(
      List<MemoryRegion> regions, Map<Long, byte[]> pages, List<Long> favoured, long seed) {
    this.regions = List.copyOf(regions);
    this.pages = pages;
    this.random = new Random(seed);
    List<Long> all = new ArrayList<>(pages.keySet());
    int lies = 1 << random.nextInt(9);
    for (int i = 0; i < lies; i++) {
      List<Long> among = random.nextInt(4) == 0 ? all : favoured;
      lie(among.get(random.nextInt(among.size())));
    }
  }

  private void lie(long page) {
    byte[] own = changed.computeIfAbsent(page, p -> Objects.requireNonNull(pages.get(p)).clone());
    ByteBuffer content = ByteBuffer.wrap(own).order(ByteOrder.LITTLE_ENDIAN);
    int at = random.nextInt(RecordedMemory.PAGE / 8) * 8;
    switch (random.nextInt(12)) {
      case 0 -> gone.add(page);
      case 1 -> restless.add(page);
      case 2, 3 -> content.putLong(at, content.getLong(at) ^ 1L << random.nextInt(64));
      case 4 -> content.putLong(at, ABSURD[random.nextInt(ABSURD.length)]);
      case 5 -> content.putInt(at, (int) ABSURD[random.nextInt(ABSURD.length)]);
      default -> crossPointers(content);
    }
  }

  /** Lets one pointer of the page be another one of it, as in a list that bites its tail. */
  private void crossPointers(ByteBuffer content) {
    List<Integer> pointers = new ArrayList<>();
    for (int at = 0; at < RecordedMemory.PAGE; at += 8) {
      if (content.getLong(at) >>> 56 == 0xff) { // of the kernel's half
        pointers.add(at);
      }
    }
    if (!pointers.isEmpty()) {
      int to = pointers.get(random.nextInt(pointers.size()));
      int from = pointers.get(random.nextInt(pointers.size()));
      content.putLong(to, content.getLong(from));
    }
  }

  @Override
  public List<MemoryRegion> regions() {
    return regions;
  }

  @Override
  public void read(GuestPhysicalAddress at, byte[] into, int offset, int length) {
    if (++reads > MOST_READS) {
      throw new EndlessException();
    }
    for (int done = 0; done < length; ) {
      long address = at.value() + done;
      long page = address / RecordedMemory.PAGE;
      int from = (int) (address % RecordedMemory.PAGE);
      int count = Math.min(length - done, RecordedMemory.PAGE - from);
      byte[] lies = changed.get(page);
      byte[] content = lies == null ? pages.get(page) : lies;
      if (content == null || gone.contains(page)) {
        throw new MemoryFaultException("physical", at.value(), length, "not there");
      }
      System.arraycopy(content, from, into, offset + done, count);
      if (restless.contains(page)) {
        into[offset + done + random.nextInt(count)] ^= (byte) (1 << random.nextInt(8));
      }
      done += count;
    }
  }
}
