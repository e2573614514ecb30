package org.lucos.bridge.jna;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.jna.XenLibraries.Call;
import org.lucos.bridge.jna.XenLibraries.DeviceModel;
import org.lucos.bridge.jna.XenLibraries.Memory;

/**
 * Xen through its stable libraries, so that one build works with every Xen: {@code libxencall},
 * {@code libxenforeignmemory} and {@code libxendevicemodel}.
 */
public final class XenInterface implements XenAccess {
  private static final int READ = 1; // PROT_READ and PROT_WRITE of mmap(2)
  private static final int WRITE = 2;
  private static final int BUFFER_PAGES = ARGUMENT_BYTES / PAGE;

  private final Pointer calls;
  private final Pointer memory;
  private final Optional<Pointer> deviceModel;
  private final Pointer buffer;
  private final byte[] local = new byte[ARGUMENT_BYTES];
  private final ByteBuffer arguments = ByteBuffer.wrap(local).order(ByteOrder.LITTLE_ENDIAN);
  private boolean closed;

  private XenInterface(
      Pointer calls, Pointer memory, Optional<Pointer> deviceModel, Pointer buffer) {
    this.calls = calls;
    this.memory = memory;
    this.deviceModel = deviceModel;
    this.buffer = buffer;
  }

  /**
   * Opens the hypervisor's devices.
   *
   * @throws NativeCallException if this is no domain that may, or the process may not
   * @throws LinkageError if a library is not there
   */
  public static XenInterface open() {
    Pointer calls = there("xencall_open", Call.xencall_open(null, 0));
    try {
      Pointer memory = there("xenforeignmemory_open", Memory.xenforeignmemory_open(null, 0));
      return new XenInterface(
          calls,
          memory,
          Optional.ofNullable(DeviceModel.xendevicemodel_open(null, 0)),
          there(
              "xencall_alloc_buffer_pages", Call.xencall_alloc_buffer_pages(calls, BUFFER_PAGES)));
    } catch (RuntimeException e) {
      Call.xencall_close(calls);
      throw e;
    }
  }

  private static Pointer there(String call, @Nullable Pointer result) {
    if (result == null) {
      throw new NativeCallException(call, Native.getLastError());
    }
    return result;
  }

  @Override
  public ByteBuffer arguments() {
    return arguments;
  }

  @Override
  public long address(int offset) {
    return Pointer.nativeValue(buffer) + offset;
  }

  @Override
  public int call(String name, int number, int used) {
    handOver(used);
    return takeBack(name, Call.xencall1(calls, number, Pointer.nativeValue(buffer)), used);
  }

  @Override
  public int call(String name, int number, int operation, int used) {
    handOver(used);
    return takeBack(
        name, Call.xencall2(calls, number, operation, Pointer.nativeValue(buffer)), used);
  }

  private void handOver(int used) {
    if (closed) {
      throw new IllegalStateException("the connection to Xen is closed");
    }
    buffer.write(0, local, 0, used);
  }

  private int takeBack(String name, int result, int used) {
    int errno = result < 0 ? Native.getLastError() : 0;
    buffer.read(0, local, 0, used);
    if (result < 0) {
      throw new NativeCallException(name, errno);
    }
    return result;
  }

  @Override
  public Mapping map(int domain, long[] wanted, boolean writable) {
    if (wanted.length < 1 || wanted.length > MOST_PAGES) {
      throw new IllegalArgumentException("pages to map: " + wanted.length);
    }
    int[] errors = new int[wanted.length];
    Pointer mapped =
        there(
            "xenforeignmemory_map",
            Memory.xenforeignmemory_map(
                memory, domain, writable ? READ | WRITE : READ, wanted.length, wanted, errors));
    boolean[] there = new boolean[wanted.length];
    for (int i = 0; i < wanted.length; i++) {
      there[i] = errors[i] == 0;
    }
    return new ForeignPages(mapped, there);
  }

  @Override
  public boolean markWritten(int domain, long frame) {
    return deviceModel.isPresent()
        && DeviceModel.xendevicemodel_modified_memory(deviceModel.get(), (short) domain, frame, 1)
            == 0;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      deviceModel.ifPresent(DeviceModel::xendevicemodel_close);
      Memory.xenforeignmemory_close(memory);
      Call.xencall_free_buffer_pages(calls, buffer, BUFFER_PAGES);
      Call.xencall_close(calls);
    }
  }

  /** To touch a page that is not there, or not any more, would end this process. */
  private final class ForeignPages implements Mapping {
    private final Pointer address;
    private final boolean[] there;
    private boolean unmapped;

    ForeignPages(Pointer address, boolean[] there) {
      this.address = address;
      this.there = there;
    }

    @Override
    public boolean has(int page) {
      return there[page];
    }

    @Override
    public void get(long offset, byte[] into, int at, int length) {
      requireThere(offset, length);
      address.read(offset, into, at, length);
    }

    @Override
    public void put(long offset, byte[] from, int at, int length) {
      requireThere(offset, length);
      address.write(offset, from, at, length);
    }

    private void requireThere(long offset, int length) {
      boolean inside =
          !unmapped && offset >= 0 && length > 0 && offset + length <= (long) there.length * PAGE;
      for (long page = offset / PAGE; inside && page <= (offset + length - 1) / PAGE; page++) {
        inside = there[(int) page];
      }
      if (!inside) {
        throw new IllegalArgumentException(
            "not mapped: offset=" + offset + ", length=" + length + ", pages=" + there.length);
      }
    }

    @Override
    public void close() {
      if (!unmapped) {
        unmapped = true;
        if (Memory.xenforeignmemory_unmap(memory, address, there.length) < 0) {
          throw new NativeCallException("xenforeignmemory_unmap", Native.getLastError());
        }
      }
    }
  }
}
