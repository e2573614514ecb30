package org.lucos.bridge.jna;

import jnr.ffi.Pointer;
import jnr.ffi.types.size_t;
import org.jspecify.annotations.Nullable;

/**
 * The functions of Xen's stable libraries that are used here, as {@code xencall.h} and {@code
 * xendevicemodel.h} declare them. Public only because jnr-ffi's generated code must see it.
 */
public interface XenHypercalls {

  /** Null if this is no domain that may make hypercalls. */
  @Nullable Pointer xencall_open(@Nullable Pointer logger, int flags);

  int xencall_close(Pointer handle);

  /** Negative on failure, with the reason in {@code errno}. */
  int xencall1(Pointer handle, int op, long argument);

  /** As {@link #xencall1}, with two arguments. */
  int xencall2(Pointer handle, int op, long first, long second);

  /** Memory that the hypervisor can read and write at any time. */
  @Nullable Pointer xencall_alloc_buffer_pages(Pointer handle, @size_t long pages);

  void xencall_free_buffer_pages(Pointer handle, Pointer buffer, @size_t long pages);

  /** The same for what only device models ask for. */
  interface DeviceModel {
    @Nullable Pointer xendevicemodel_open(@Nullable Pointer logger, int flags);

    int xendevicemodel_close(Pointer handle);

    /** Tells that pages of a domain were written, as a device would write them. */
    int xendevicemodel_modified_memory(Pointer handle, short domain, long first, int count);
  }
}
