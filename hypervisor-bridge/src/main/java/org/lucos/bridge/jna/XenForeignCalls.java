package org.lucos.bridge.jna;

import jnr.ffi.Pointer;
import jnr.ffi.types.size_t;
import org.jspecify.annotations.Nullable;

/**
 * Xen's stable library for mapping memory of other domains, as {@code xenforeignmemory.h} declares
 * it. Public only because jnr-ffi's generated code must see it.
 *
 * <p>The arrays are passed as {@code Pointer}, for the reason that {@link VmCalls} tells.
 */
public interface XenForeignCalls {

  @Nullable Pointer xenforeignmemory_open(@Nullable Pointer logger, int flags);

  int xenforeignmemory_close(Pointer handle);

  /**
   * Maps frames one after another.
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
}
