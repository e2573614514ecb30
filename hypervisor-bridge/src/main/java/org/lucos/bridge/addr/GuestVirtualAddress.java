package org.lucos.bridge.addr;

/**
 * An address as a guest's kernel uses it. Any 64-bit pattern is a value (guest memory may hold
 * anything); whether it is mapped is for a page walk to say. Ordering is unsigned.
 *
 * @param value the address, as an unsigned 64-bit number
 */
public record GuestVirtualAddress(long value) implements Comparable<GuestVirtualAddress> {

  /** This address moved by {@code bytes}, which may be negative; refuses to wrap around. */
  public GuestVirtualAddress plus(long bytes) {
    long moved = value + bytes;
    boolean wrapped =
        bytes >= 0
            ? Long.compareUnsigned(moved, value) < 0
            : Long.compareUnsigned(moved, value) >= 0;
    if (wrapped) {
      throw new AddressOutOfRangeException(
          "virtual address wraps: base=" + this + ", offset=" + bytes);
    }
    return new GuestVirtualAddress(moved);
  }

  /** The distance in bytes from {@code other} to this address, as a signed 64-bit number. */
  public long minus(GuestVirtualAddress other) {
    return value - other.value;
  }

  /** The last multiple of {@code alignment} (a power of two) that is not after this address. */
  public GuestVirtualAddress alignDown(long alignment) {
    if (Long.bitCount(alignment) != 1) {
      throw new IllegalArgumentException("not a power of two: alignment=" + alignment);
    }
    return new GuestVirtualAddress(value & -alignment);
  }

  /** Whether this lies in the upper half of the address space, where the kernel lives. */
  public boolean isKernel() {
    return value < 0;
  }

  /** Whether all bits are clear, as in a C null pointer. */
  public boolean isNull() {
    return value == 0;
  }

  @Override
  public int compareTo(GuestVirtualAddress other) {
    return Long.compareUnsigned(value, other.value);
  }

  @Override
  public String toString() {
    return "0x" + Long.toHexString(value);
  }
}
