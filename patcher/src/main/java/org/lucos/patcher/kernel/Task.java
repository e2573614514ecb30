package org.lucos.patcher.kernel;

import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * A thread of the guest, as its {@code task_struct} was when it was read. In a running guest all of
 * it may have changed since.
 *
 * @param struct where the {@code task_struct} is
 * @param pid the thread's number in the first PID namespace; 0 for a CPU's idle task
 * @param tgid the process's number
 * @param comm its name, up to 15 bytes
 * @param flags {@code PF_*} bits
 * @param state {@code __state}: 0 is runnable, else {@code TASK_*} bits
 * @param exitState {@code EXIT_*} bits: not 0 once it has ended
 * @param onCpu whether a CPU runs it; its saved stack pointer then says nothing
 * @param cpu the CPU it runs on or ran on last
 * @param mm its {@code mm_struct}; null for a kernel thread
 * @param stack the lowest address of its kernel stack; null once the stack is freed
 * @param stackSize bytes of kernel stack ({@code THREAD_SIZE})
 * @param savedSp the kernel stack pointer saved when it was last switched away from
 * @param threadFlags {@code TIF_*} bits
 * @param threadFlagsAt where these are
 * @param taskWorksAt where the head of its {@code task_works} is
 * @param capabilities its effective capabilities
 * @param inInitialUserNamespace whether these count in the initial user namespace
 * @param ptrace {@code PT_*} bits: not 0 while a debugger is attached
 * @param voluntarySwitches how often it gave up a CPU itself
 * @param involuntarySwitches how often it was preempted
 */
public record Task(
    GuestVirtualAddress struct,
    int pid,
    int tgid,
    String comm,
    long flags,
    long state,
    long exitState,
    boolean onCpu,
    int cpu,
    GuestVirtualAddress mm,
    GuestVirtualAddress stack,
    long stackSize,
    GuestVirtualAddress savedSp,
    long threadFlags,
    GuestVirtualAddress threadFlagsAt,
    GuestVirtualAddress taskWorksAt,
    long capabilities,
    boolean inInitialUserNamespace,
    long ptrace,
    long voluntarySwitches,
    long involuntarySwitches) {

  /** {@code PF_EXITING}: it is on its way out. */
  private static final long EXITING = 0x4;

  /** {@code PF_KTHREAD} and {@code PF_IO_WORKER}: never goes to user mode. */
  private static final long NEVER_USER = 0x0020_0000 | 0x10;

  /** Whether it is a thread of a user program that may yet return to user mode. */
  public boolean returnsToUserMode() {
    return !mm.isNull() && exitState == 0 && (flags & (EXITING | NEVER_USER)) == 0;
  }

  /** Whether it has begun to exit, or is over. */
  public boolean isEnding() {
    return exitState != 0 || (flags & EXITING) != 0;
  }

  /** Whether it is a CPU's idle task. */
  public boolean isIdle() {
    return pid == 0;
  }

  /** Name and number, for messages. */
  public String label() {
    return comm + "/" + pid;
  }
}
