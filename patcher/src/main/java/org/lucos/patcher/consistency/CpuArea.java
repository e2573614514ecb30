package org.lucos.patcher.consistency;

/**
 * A CPU as the guest's kernel knows it.
 *
 * @param number as the kernel counts
 * @param base where its per-CPU area is: its GS base in kernel mode
 * @param online whether it is in {@code cpu_online_mask}
 */
record CpuArea(int number, long base, boolean online) {}
