package org.lucos.bridge.xen;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.lucos.bridge.jna.NativeCallException;
import org.lucos.bridge.jna.XenAccess;

/** A Xen with one guest, as far as the bridge asks for it; written from Xen's public headers. */
final class FakeXen implements XenAccess {
  static final int ID = 3;
  static final long SHARED_INFO = 0x77;
  static final UUID HANDLE = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
  private static final long DATA_BASE = 0x7000_0000L;
  private static final int DOMCTL = 36;

  final Map<Long, byte[]> pages = new HashMap<>();
  final Map<Integer, byte[]> vcpus = new HashMap<>();
  final Set<Integer> offline = new HashSet<>();
  final List<Integer> mapped = new ArrayList<>();
  final Set<Long> marked = new HashSet<>();
  int version = 0x15;
  int stops;
  int flags = 2; // an HVM guest
  int mappings;
  boolean gone;
  private final ByteBuffer arguments =
      ByteBuffer.allocate(ARGUMENT_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  @Override
  public ByteBuffer arguments() {
    return arguments;
  }

  @Override
  public long address(int offset) {
    return DATA_BASE + offset;
  }

  @Override
  public int call(String name, int number, int used) {
    if (number != DOMCTL || arguments.getInt(4) != version) {
      throw new NativeCallException(name, number == DOMCTL ? 13 : 38);
    }
    int domain = Short.toUnsignedInt(arguments.getShort(8));
    int command = arguments.getInt(0);
    boolean exact = command != 5;
    if (gone || (exact ? domain != ID : domain > ID)) {
      throw new NativeCallException(name, NativeCallException.ESRCH);
    }
    switch (command) {
      case 3 -> stops++;
      case 4 -> {
        if (stops == 0) {
          throw new NativeCallException(name, 22);
        }
        stops--;
      }
      case 5 -> describe();
      case 13 -> context(name, 16, 24);
      case 14 -> arguments.put(20, (byte) (offline.contains(arguments.getInt(16)) ? 0 : 1));
      case 55 -> {
        if (arguments.getInt(16) != 2) {
          throw new NativeCallException(name, 2);
        }
        context(name, 20, 32);
      }
      case 61 -> frames();
      default -> throw new NativeCallException(name, 38);
    }
    return 0;
  }

  private void describe() {
    arguments.putShort(16, (short) ID);
    arguments.putInt(20, flags | (stops > 0 ? 1 << 3 : 0));
    arguments.putLong(24, pages.size());
    arguments.putLong(64, SHARED_INFO);
    arguments.putInt(80, vcpus.size() - offline.size());
    arguments.putInt(84, vcpus.size() - 1);
    ByteBuffer handle = ByteBuffer.allocate(16).putLong(HANDLE.getMostSignificantBits());
    handle.putLong(HANDLE.getLeastSignificantBits()).flip();
    arguments.put(92, handle.array());
    arguments.putInt(120, 1);
  }

  private void context(String name, int vcpu, int address) {
    byte[] registers = vcpus.get(arguments.getInt(vcpu));
    if (registers == null) {
      throw new NativeCallException(name, 2);
    }
    arguments.put((int) (arguments.getLong(address) - DATA_BASE), registers);
  }

  private void frames() {
    int at = (int) (arguments.getLong(24) - DATA_BASE);
    for (int i = 0; i < arguments.getLong(16); i++) {
      long frame = arguments.getLong(at + 8 * i);
      arguments.putLong(at + 8 * i, pages.containsKey(frame) ? 0 : 0xf000_0000L);
    }
  }

  @Override
  public int call(String name, int number, int operation, int used) {
    throw new NativeCallException(name, 38);
  }

  @Override
  public Mapping map(int domain, long[] frames, boolean writable) {
    if (gone || domain != ID) {
      throw new NativeCallException("xenforeignmemory_map", NativeCallException.ESRCH);
    }
    List<byte[]> there = new ArrayList<>();
    for (long frame : frames) {
      there.add(pages.getOrDefault(frame, new byte[0]));
    }
    mapped.add(frames.length);
    mappings++;
    return new Mapping() {
      private boolean open = true;

      @Override
      public boolean has(int page) {
        return there.get(page).length > 0;
      }

      @Override
      public void get(long offset, byte[] into, int at, int length) {
        copy(offset, into, at, length, false);
      }

      @Override
      public void put(long offset, byte[] from, int at, int length) {
        if (!writable) {
          throw new IllegalStateException("mapped for reading");
        }
        copy(offset, from, at, length, true);
      }

      private void copy(long offset, byte[] ours, int at, int length, boolean write) {
        if (!open) {
          throw new IllegalStateException("not mapped any more");
        }
        for (int i = 0; i < length; i++) {
          byte[] page = there.get((int) ((offset + i) / PAGE));
          int place = (int) ((offset + i) % PAGE);
          if (write) {
            page[place] = ours[at + i];
          } else {
            ours[at + i] = page[place];
          }
        }
      }

      @Override
      public void close() {
        open = false;
        mappings--;
      }
    };
  }

  @Override
  public boolean markWritten(int domain, long frame) {
    return marked.add(frame);
  }

  @Override
  public void close() {
    // nothing is open
  }
}
