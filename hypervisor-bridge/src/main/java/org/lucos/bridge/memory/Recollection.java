package org.lucos.bridge.memory;

/**
 * What was made of a guest's memory, together with all that was read for it. As long as the same
 * bytes are there the same would be made of them again; to find that out takes one read, however
 * many it took the first time.
 *
 * @param <T> what was made of it
 */
public interface Recollection<T> {

  /** What was made of the memory then. */
  T value();

  /**
   * Reads everything again. The answer is as good as the guest is still: while it runs, it may have
   * changed since.
   *
   * @return whether all bytes are what they were, and where they were; false if that cannot be told
   */
  boolean holds();

  /** One that never says that it holds. */
  static <T> Recollection<T> unproven(T value) {
    return new Recollection<>() {
      @Override
      public T value() {
        return value;
      }

      @Override
      public boolean holds() {
        return false;
      }
    };
  }
}
