package org.lucos.bridge.addr;

/**
 * An address in a guest's physical memory.
 *
 * @param value 0 to 2<sup>52</sup>-1, the architectural limit of x86-64
 */
public record GuestPhysicalAddress(long value) implements Comparable<GuestPhysicalAddress> {
  private static final long LIMIT = 1L << 52;

  /** Refuses addresses outside the architectural range. */
  public GuestPhysicalAddress {
    if (value < 0 || value >= LIMIT) {
      throw new AddressOutOfRangeException("physical address out of range: " + hex(value));
    }
  }

  /** This address moved by {@code bytes}, which may be negative; refuses to leave the range. */
  public GuestPhysicalAddress plus(long bytes) {
    try {
      return new GuestPhysicalAddress(Math.addExact(value, bytes));
    } catch (ArithmeticException e) {
      throw new AddressOutOfRangeException(
          "physical address out of range: base=" + hex(value) + ", offset=" + bytes, e);
    }
  }

  @Override
  public int compareTo(GuestPhysicalAddress other) {
    return Long.compare(value, other.value);
  }

  @Override
  public String toString() {
    return hex(value);
  }

  private static String hex(long value) {
    return "0x" + Long.toHexString(value);
  }
}
