package org.lucos.patcher.kernel;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a running kernel says of its own health in a few variables, as they were when read.
 *
 * @param taint {@code tainted_mask}: the bits of {@code TAINT_*} in include/linux/panic.h
 * @param panicCpu the CPU that is in {@code panic()}; empty if none is
 * @param panicTimeout {@code panic_timeout}: seconds until it reboots after a panic; 0 never,
 *     negative at once
 * @param oopsInProgress how many oopses are being printed
 * @param gracePeriod how long RCU's present grace period goes on; empty if there is none, or it
 *     cannot be told
 * @param stallTimeout after how long of it the kernel complains ({@code rcu_cpu_stall_timeout})
 */
public record KernelCondition(
    long taint,
    OptionalInt panicCpu,
    int panicTimeout,
    long oopsInProgress,
    Optional<Duration> gracePeriod,
    Duration stallTimeout) {

  /** Whether RCU waits longer than the kernel finds right. */
  public boolean hasStalled() {
    return gracePeriod.filter(age -> age.compareTo(stallTimeout) > 0).isPresent();
  }
}
