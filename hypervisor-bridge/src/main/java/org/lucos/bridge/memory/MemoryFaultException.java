package org.lucos.bridge.memory;

/**
 * Guest memory could not be read or written at an address. Nothing is known of a partial result.
 */
public final class MemoryFaultException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long address;
  private final long size;

  /**
   * @param space which address space, such as {@code physical} or {@code virtual}
   * @param address the first address asked for
   * @param size how many bytes were asked for
   * @param reason what stood in the way
   */
  public MemoryFaultException(String space, long address, long size, String reason) {
    super(
        "memory fault: space="
            + space
            + ", address=0x"
            + Long.toHexString(address)
            + ", size="
            + size
            + ", reason="
            + reason);
    this.address = address;
    this.size = size;
  }

  /** The first address asked for. */
  public long address() {
    return address;
  }

  /** How many bytes were asked for. */
  public long size() {
    return size;
  }
}
