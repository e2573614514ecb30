package org.lucos.patcher.health;

import org.lucos.patcher.kernel.RunningKernel;

/**
 * How a guest was before something was done to it.
 *
 * @param boot the boot it was in
 * @param seq the number of the first message of its log that counts
 * @param taint its taint mask
 */
public record HealthBaseline(String boot, long seq, long taint) {

  /** Reads it from the running guest. */
  public static HealthBaseline of(RunningKernel kernel) {
    return new HealthBaseline(kernel.boot().id(), kernel.log().next(), kernel.condition().taint());
  }
}
