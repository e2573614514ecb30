package org.lucos.bridge.jna;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The functions of Xen's stable libraries that are used here, as their headers declare them. Mapped
 * with JNA, which is ready after a fraction of the time that jnr-ffi takes, and that is what a
 * watchdog has; each call goes to the hypervisor anyway, which takes longer than either. A library
 * that is not there is an {@code UnsatisfiedLinkError} when its class is first used.
 */
final class XenLibraries {
  private XenLibraries() {}

  /** {@code xencall.h}. */
  static final class Call {
    static {
      Native.register(Call.class, "libxencall.so.1");
    }

    private Call() {}

    /** Null if this is no domain that may make hypercalls. */
    static native @Nullable Pointer xencall_open(@Nullable Pointer logger, int flags);

    static native int xencall_close(Pointer handle);

    /** Negative on failure, with the reason in {@code errno}. */
    static native int xencall1(Pointer handle, int number, long argument);

    /** As {@link #xencall1}, with two arguments. */
    static native int xencall2(Pointer handle, int number, long first, long second);

    /** Memory that the hypervisor can read and write at any time. */
    static native @Nullable Pointer xencall_alloc_buffer_pages(Pointer handle, long pages);

    static native void xencall_free_buffer_pages(Pointer handle, Pointer buffer, long pages);
  }

  /** {@code xenforeignmemory.h}. */
  static final class Memory {
    static {
      Native.register(Memory.class, "libxenforeignmemory.so.1");
    }

    private Memory() {}

    static native @Nullable Pointer xenforeignmemory_open(@Nullable Pointer logger, int flags);

    static native int xenforeignmemory_close(Pointer handle);

    /**
     * Maps frames one after another.
     *
     * @param protection as for mmap(2)
     * @param errors gets an {@code errno} for each frame, 0 if it is mapped
     * @return null if nothing was tried; anything else says nothing about any one page
     */
    static native @Nullable Pointer xenforeignmemory_map(
        Pointer handle, int domain, int protection, long pages, long[] frames, int[] errors);

    static native int xenforeignmemory_unmap(Pointer handle, Pointer address, long pages);
  }

  /** {@code xendevicemodel.h}. */
  static final class DeviceModel {
    static {
      Native.register(DeviceModel.class, "libxendevicemodel.so.1");
    }

    private DeviceModel() {}

    static native @Nullable Pointer xendevicemodel_open(@Nullable Pointer logger, int flags);

    static native int xendevicemodel_close(Pointer handle);

    /** Tells that pages of a domain were written, as a device would write them. */
    static native int xendevicemodel_modified_memory(
        Pointer handle, short domain, long first, int count);
  }
}
