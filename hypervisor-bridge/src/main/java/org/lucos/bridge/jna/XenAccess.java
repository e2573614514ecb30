package org.lucos.bridge.jna;

import java.nio.ByteBuffer;

/** What the domain that manages others can ask of Xen. One thread at a time. */
public interface XenAccess extends AutoCloseable {
  /** Bytes of a page, the unit of all mappings. */
  int PAGE = 4096;

  /** Pages that are mapped with one call. */
  int MOST_PAGES = 4096;

  /** Room for the arguments of a hypercall, in bytes. */
  int ARGUMENT_BYTES = 4 * PAGE;

  /**
   * Room for the arguments of hypercalls, little-endian: what is in it is handed to the hypervisor
   * with each call, and is as the hypervisor left it afterwards.
   */
  ByteBuffer arguments();

  /** The address, for the hypervisor, of an offset in {@link #arguments()}. */
  long address(int offset);

  /**
   * Makes a hypercall with one argument, the address of the arguments.
   *
   * @param name for messages
   * @param number of the hypercall
   * @param used bytes of the arguments that are handed to and fro
   * @throws NativeCallException if the hypervisor says no
   */
  int call(String name, int number, int used);

  /** As {@link #call(String, int, int)}, with the number of an operation before the address. */
  int call(String name, int number, int operation, int used);

  /**
   * Maps pages of a domain into this process, one after another.
   *
   * @param frames their numbers, 1 to {@link #MOST_PAGES}
   * @throws NativeCallException if nothing was tried
   */
  Mapping map(int domain, long[] frames, boolean writable);

  /**
   * Tells the hypervisor that a page was written, as a device would write it: for a migration that
   * goes on.
   *
   * @return whether it could be told
   */
  boolean markWritten(int domain, long frame);

  /** Ends the connection; mappings have to be closed before. */
  @Override
  void close();

  /** Pages of another domain. */
  interface Mapping extends AutoCloseable {
    /** Whether a page, by its place in the mapping, is there. */
    boolean has(int page);

    /** Copies bytes out; all pages must be there. */
    void get(long offset, byte[] into, int at, int length);

    /** Copies bytes in; all pages must be there, and have been mapped writable. */
    void put(long offset, byte[] from, int at, int length);

    @Override
    void close();
  }
}
