package org.lucos.patcher.kernel;

import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * A CPU's run queue ({@code struct rq} of kernel/sched/sched.h), as it was when it was read.
 *
 * @param cpu its number
 * @param running tasks that run on it or wait for it
 * @param switches how often it has changed from one task to another since boot
 * @param current the task it runs
 * @param clock its scheduler's clock in nanoseconds, as of its last tick or switch
 */
public record RunQueue(
    int cpu, long running, long switches, GuestVirtualAddress current, long clock) {}
