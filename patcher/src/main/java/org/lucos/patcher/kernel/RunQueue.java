package org.lucos.patcher.kernel;

import java.time.Duration;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * A CPU's run queue ({@code struct rq} of kernel/sched/sched.h), as it was when it was read.
 *
 * @param cpu its number
 * @param running tasks that run on it or wait for it
 * @param switches how often it has changed from one task to another since boot
 * @param current the task it runs
 * @param isIdle whether that is its idle task
 * @param clock its scheduler's clock in nanoseconds, as of its last tick or switch
 * @param stuck for how long it has not switched to the watchdog's work, if that is longer than the
 *     kernel finds right ({@code is_softlockup()} of kernel/watchdog.c); empty if it is not, or the
 *     watchdog is off
 */
public record RunQueue(
    int cpu,
    long running,
    long switches,
    GuestVirtualAddress current,
    boolean isIdle,
    long clock,
    Optional<Duration> stuck) {}
