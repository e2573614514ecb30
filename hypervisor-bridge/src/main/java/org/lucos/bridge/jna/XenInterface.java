package org.lucos.bridge.jna;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import org.jspecify.annotations.Nullable;

/**
 * Xen through its stable libraries, so that one build works with every Xen: {@code libxencall},
 * {@code libxenforeignmemory} and {@code libxendevicemodel}.
 */
public final class XenInterface implements XenAccess {
  private static final int READ = 1; // PROT_READ and PROT_WRITE of mmap(2)
  private static final int WRITE = 2;
  private static final int BUFFER_PAGES = ARGUMENT_BYTES / PAGE;

  private final XenCalls library;
  private final Runtime runtime;
  private final Pointer calls;
  private final Pointer memory;
  private final Optional<Pointer> deviceModel;
  private final Pointer buffer;
  private final byte[] local = new byte[ARGUMENT_BYTES];
  private final ByteBuffer arguments = ByteBuffer.wrap(local).order(ByteOrder.LITTLE_ENDIAN);
  private final ByteBuffer frames = direct(MOST_PAGES * Long.BYTES);
  private final ByteBuffer errors = direct(MOST_PAGES * Integer.BYTES);
  private final Pointer framesPointer;
  private final Pointer errorsPointer;
  private boolean closed;

  private XenInterface(
      XenCalls library,
      Pointer calls,
      Pointer memory,
      Optional<Pointer> deviceModel,
      Pointer buffer) {
    this.library = library;
    this.runtime = Runtime.getRuntime(library);
    this.calls = calls;
    this.memory = memory;
    this.deviceModel = deviceModel;
    this.buffer = buffer;
    this.framesPointer = Pointer.wrap(runtime, frames);
    this.errorsPointer = Pointer.wrap(runtime, errors);
  }

  /**
   * Opens the hypervisor's devices.
   *
   * @throws NativeCallException if this is no domain that may, or the process may not
   * @throws UnsatisfiedLinkError if a library is not there
   */
  public static XenInterface open() {
    XenCalls library =
        LibraryLoader.create(XenCalls.class)
            .library("libxencall.so.1")
            .library("libxenforeignmemory.so.1")
            .library("libxendevicemodel.so.1")
            .failImmediately()
            .load();
    Runtime runtime = Runtime.getRuntime(library);
    Pointer calls = there("xencall_open", runtime, library.xencall_open(null, 0));
    try {
      Pointer memory =
          there("xenforeignmemory_open", runtime, library.xenforeignmemory_open(null, 0));
      Pointer buffer =
          there(
              "xencall_alloc_buffer_pages",
              runtime,
              library.xencall_alloc_buffer_pages(calls, BUFFER_PAGES));
      return new XenInterface(
          library,
          calls,
          memory,
          Optional.ofNullable(library.xendevicemodel_open(null, 0)),
          buffer);
    } catch (RuntimeException e) {
      library.xencall_close(calls);
      throw e;
    }
  }

  private static Pointer there(String call, Runtime runtime, @Nullable Pointer result) {
    if (result == null) {
      throw new NativeCallException(call, runtime.getLastError());
    }
    return result;
  }

  @Override
  public ByteBuffer arguments() {
    return arguments;
  }

  @Override
  public long address(int offset) {
    return buffer.address() + offset;
  }

  @Override
  public int call(String name, int number, int used) {
    handOver(used);
    return takeBack(name, library.xencall1(calls, number, buffer.address()), used);
  }

  @Override
  public int call(String name, int number, int operation, int used) {
    handOver(used);
    return takeBack(name, library.xencall2(calls, number, operation, buffer.address()), used);
  }

  private void handOver(int used) {
    if (closed) {
      throw new IllegalStateException("the connection to Xen is closed");
    }
    buffer.put(0, local, 0, used);
  }

  private int takeBack(String name, int result, int used) {
    int errno = result < 0 ? runtime.getLastError() : 0;
    buffer.get(0, local, 0, used);
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
    for (int i = 0; i < wanted.length; i++) {
      frames.putLong(i * Long.BYTES, wanted[i]);
      errors.putInt(i * Integer.BYTES, 0);
    }
    Pointer mapped =
        there(
            "xenforeignmemory_map",
            runtime,
            library.xenforeignmemory_map(
                memory,
                domain,
                writable ? READ | WRITE : READ,
                wanted.length,
                framesPointer,
                errorsPointer));
    boolean[] there = new boolean[wanted.length];
    for (int i = 0; i < wanted.length; i++) {
      there[i] = errors.getInt(i * Integer.BYTES) == 0;
    }
    return new ForeignPages(mapped, there);
  }

  @Override
  public boolean markWritten(int domain, long frame) {
    return deviceModel.isPresent()
        && library.xendevicemodel_modified_memory(deviceModel.get(), (short) domain, frame, 1) == 0;
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      deviceModel.ifPresent(library::xendevicemodel_close);
      library.xenforeignmemory_close(memory);
      library.xencall_free_buffer_pages(calls, buffer, BUFFER_PAGES);
      library.xencall_close(calls);
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
      address.get(offset, into, at, length);
    }

    @Override
    public void put(long offset, byte[] from, int at, int length) {
      requireThere(offset, length);
      address.put(offset, from, at, length);
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
        if (library.xenforeignmemory_unmap(memory, address, there.length) < 0) {
          throw new NativeCallException("xenforeignmemory_unmap", runtime.getLastError());
        }
      }
    }
  }
}
