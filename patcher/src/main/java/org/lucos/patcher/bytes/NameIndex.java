package org.lucos.patcher.bytes;

/**
 * Finds numbers by the hash of their names, in two arrays: entries of equal hash form a chain. The
 * names themselves stay where they are; whoever looks up compares them.
 */
public final class NameIndex {
  /** The end of a chain. */
  public static final int NONE = -1;

  /** The last number added, plus 1, by bucket. */
  private final int[] heads;

  /** The number added to the bucket before, plus 1, by number. */
  private final int[] links;

  /** An index for numbers from 0 up to, and without, {@code size}. */
  public NameIndex(int size) {
    heads = new int[Integer.highestOneBit(Math.max(size, 1)) * 2];
    links = new int[size];
  }

  private NameIndex(Stored stored) {
    heads = stored.heads();
    links = stored.links();
    if (Integer.bitCount(heads.length) != 1) {
      throw new MalformedDataException("name index", 0, "no number of buckets: " + heads.length);
    }
  }

  /**
   * Takes up the arrays of an index that was stored.
   *
   * @throws MalformedDataException if they are none
   */
  public static NameIndex restored(Stored stored) {
    return new NameIndex(stored);
  }

  /** The arrays, for a cache. */
  public Stored stored() {
    return new Stored(heads, links);
  }

  /**
   * What a cache keeps of an index.
   *
   * @param heads a power of two of them
   * @param links one a number
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Stored(int[] heads, int[] links) {}

  /** Adds a number, once; the last added of a chain is found first. */
  public void add(int hash, int number) {
    int bucket = hash & heads.length - 1;
    links[number] = heads[bucket];
    heads[bucket] = number + 1;
  }

  /** The first number that may have this hash, or {@link #NONE}. */
  public int first(int hash) {
    return heads[hash & heads.length - 1] - 1;
  }

  /** The next number of the same chain, or {@link #NONE}. */
  public int next(int number) {
    return links[number] - 1;
  }

  /** The hash of a name. */
  public static int hash(byte[] bytes, int from, int to) {
    int hash = 0;
    for (int i = from; i < to; i++) {
      hash = hash * 31 + bytes[i];
    }
    return hash ^ hash >>> 15;
  }
}
