package org.lucos.bridge.jna;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/**
 * Another process's memory through process_vm_readv(2) and process_vm_writev(2). One call moves up
 * to {@link #MOST_SPANS} spans of that process from or to one buffer of ours, in order. Not
 * thread-safe.
 */
public final class ProcessMemory {
  /** {@code IOV_MAX} of Linux. */
  public static final int MOST_SPANS = 1024;

  /** Bytes that one call can move. */
  public static final int MOST_BYTES = 1 << 20;

  private static final int IOVEC_BYTES = 16;

  private final VmCalls calls = Library.CALLS;
  private final Runtime runtime = Runtime.getRuntime(calls);
  private final int processId;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(MOST_BYTES);
  private final ByteBuffer local = iovecs(1);
  private final ByteBuffer remote = iovecs(MOST_SPANS);
  private final long bufferAddress = Pointer.wrap(runtime, buffer).address();
  private final Pointer localPointer = Pointer.wrap(runtime, local);
  private final Pointer remotePointer = Pointer.wrap(runtime, remote);
  private int spans;
  private int bytes;

  /** Of the process with this id; whether there is one shows with the first call. */
  public ProcessMemory(long processId) {
    this.processId = Math.toIntExact(processId);
  }

  /** Loads what the first object would load: a quarter of a second that can pass in parallel. */
  public static void load() {
    Runtime.getRuntime(Library.CALLS);
  }

  /** Our side of the next or last call: the spans' bytes one after another from index 0 on. */
  public ByteBuffer buffer() {
    return buffer;
  }

  /** Starts a new list of spans. */
  public void clear() {
    spans = 0;
    bytes = 0;
  }

  /** How many bytes a span may add before the list is full; 0 if no span can be added. */
  public int room() {
    return spans == MOST_SPANS ? 0 : MOST_BYTES - bytes;
  }

  /** Bytes of all spans together. */
  public int bytes() {
    return bytes;
  }

  /** Adds a span of the other process, of at most {@link #room()} bytes. */
  public void add(long address, int length) {
    if (length < 1 || length > room()) {
      throw new IllegalArgumentException("span: length=" + length + ", room=" + room());
    }
    remote.putLong(spans * IOVEC_BYTES, address);
    remote.putLong(spans * IOVEC_BYTES + 8, length);
    spans++;
    bytes += length;
  }

  /**
   * Reads all spans into the buffer.
   *
   * @return how many bytes were moved: fewer than asked for if a span is not mapped there
   * @throws NativeCallException if nothing was moved
   */
  public int read() {
    prepare();
    long moved = calls.process_vm_readv(processId, localPointer, 1, remotePointer, spans, 0);
    return checked("process_vm_readv", moved);
  }

  /** As {@link #read()}, from the buffer to the other process. */
  public int write() {
    prepare();
    long moved = calls.process_vm_writev(processId, localPointer, 1, remotePointer, spans, 0);
    return checked("process_vm_writev", moved);
  }

  private void prepare() {
    local.putLong(0, bufferAddress);
    local.putLong(8, bytes);
  }

  private int checked(String call, long moved) {
    if (moved < 0) {
      throw new NativeCallException(call, runtime.getLastError());
    }
    return (int) moved;
  }

  private static ByteBuffer iovecs(int count) {
    return ByteBuffer.allocateDirect(count * IOVEC_BYTES).order(ByteOrder.nativeOrder());
  }

  private static final class Library {
    static final VmCalls CALLS = LibraryLoader.create(VmCalls.class).load("c");
  }
}
