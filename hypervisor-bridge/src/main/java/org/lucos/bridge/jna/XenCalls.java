package org.lucos.bridge.jna;

import jnr.ffi.Pointer;
import jnr.ffi.types.size_t;
import org.jspecify.annotations.Nullable;

/**
 * The functions of Xen's stable libraries that are used here, as {@code xencall.h}, {@code
 * xenforeignmemory.h} and {@code xendevicemodel.h} declare them. All in one interface: each costs a
 * start more than all of its functions. Public only because jnr-ffi's generated code must see it.
 */
public interface XenCalls {

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

  @Nullable Pointer xenforeignmemory_open(@Nullable Pointer logger, int flags);

  int xenforeignmemory_close(Pointer handle);

  /**
   * Maps frames one after another. The arrays are passed as {@code Pointer}, for the reason that
   * {@link VmCalls} tells.
   *
   * @param protection as for mmap(2)
   * @param frames 64-bit numbers
   * @param errors gets an {@code errno} of 32 bits for each frame, 0 if it is mapped
   * @return null if nothing was tried; anything else says nothing about any one page
   */
  @Nullable Pointer xenforeignmemory_map(
      Pointer handle,
      int domain,
      int protection,
      @size_t long pages,
      Pointer frames,
      Pointer errors);

  int xenforeignmemory_unmap(Pointer handle, Pointer address, @size_t long pages);

  @Nullable Pointer xendevicemodel_open(@Nullable Pointer logger, int flags);

  int xendevicemodel_close(Pointer handle);

  /** Tells that pages of a domain were written, as a device would write them. */
  int xendevicemodel_modified_memory(Pointer handle, short domain, long first, int count);
}
