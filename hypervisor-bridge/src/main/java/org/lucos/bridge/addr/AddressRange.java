package org.lucos.bridge.addr;

/**
 * A run of virtual addresses.
 *
 * @param start the first address
 * @param size its length in bytes, 0 or more; the end does not wrap
 */
public record AddressRange(GuestVirtualAddress start, long size) {

  /** Refuses negative sizes and ranges that wrap around. */
  public AddressRange {
    if (size < 0) {
      throw new AddressOutOfRangeException("negative range: start=" + start + ", size=" + size);
    }
    start.plus(size);
  }

  /** The range from {@code start} up to, and without, {@code end}. */
  public static AddressRange between(GuestVirtualAddress start, GuestVirtualAddress end) {
    return new AddressRange(start, end.minus(start));
  }

  /** The first address after the range. */
  public GuestVirtualAddress end() {
    return start.plus(size);
  }

  /** Whether {@code address} lies inside. */
  public boolean contains(GuestVirtualAddress address) {
    return contains(address.value());
  }

  /** As {@link #contains(GuestVirtualAddress)}, for scans over many raw words. */
  public boolean contains(long address) {
    return Long.compareUnsigned(address - start.value(), size) < 0;
  }

  /** Whether at least one address lies in both ranges. */
  public boolean overlaps(AddressRange other) {
    return size > 0 && other.size > 0 && (contains(other.start) || other.contains(start));
  }

  @Override
  public String toString() {
    return "[" + start + ", " + end() + ")";
  }
}
