package org.lucos.bridge.jna;

import jnr.ffi.Pointer;
import jnr.ffi.types.size_t;
import jnr.ffi.types.ssize_t;

/**
 * The system calls that copy between two processes' memories, as the C library declares them.
 * Public only because jnr-ffi's generated code must see it; see process_vm_readv(2).
 *
 * <p>The arrays are passed as {@code Pointer} although {@code long} would do: for six numbers
 * jnr-ffi 2.3.4 makes a native stub that passes garbage as the sixth.
 */
public interface VmCalls {

  /** Copies from {@code pid} into this process, as two arrays of {@code struct iovec} say. */
  @ssize_t
  long process_vm_readv(
      int pid,
      Pointer local,
      @size_t long localCount,
      Pointer remote,
      @size_t long remoteCount,
      @size_t long flags);

  /** Copies from this process into {@code pid}. */
  @ssize_t
  long process_vm_writev(
      int pid,
      Pointer local,
      @size_t long localCount,
      Pointer remote,
      @size_t long remoteCount,
      @size_t long flags);
}
