package org.lucos.bridge.memory;

import java.util.function.BooleanSupplier;

/**
 * What was made of a guest's memory, together with all that was read for it. As long as the same
 * bytes are there the same would be made of them again; to find that out takes one read, however
 * many it took the first time.
 *
 * @param value what was made of it then
 * @param again reads everything again and compares
 */
public record Recollection<T>(T value, BooleanSupplier again) {

  /** One that never says that it holds. */
  public static <T> Recollection<T> unproven(T value) {
    return new Recollection<>(value, () -> false);
  }

  /**
   * Reads everything again. The answer is as good as the guest is still: while it runs, it may have
   * changed since.
   *
   * @return whether all bytes are what they were, and where they were; false if that cannot be told
   */
  public boolean holds() {
    return again.getAsBoolean();
  }
}
