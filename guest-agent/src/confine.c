// What the agent gives up before it reads its first byte of the host. The filter lets through what reading files and
// answering takes; what else libraries may try fails with EPERM; what only an attacker would try ends the process.
#include "agent.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define IF_CALL(number, what) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), RETURN(what)
#define ALLOW(name) IF_CALL(SYS_##name, SECCOMP_RET_ALLOW)
#define KILL(name) IF_CALL(SYS_##name, SECCOMP_RET_KILL_PROCESS)
// Third argument: none of these bits.
#define ALLOW_WITHOUT(name, bits)                                                                                    \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 5), LOAD(args[2]), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (bits)), \
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_KILL_PROCESS)

static int drop_capabilities(void) {
  // Of a root's: read every task's stack and every file of /proc. CAP_SYS_MODULE is what makes this process one that
  // can carry a guest call; the filter takes every system call away that it is good for.
  const unsigned keep[] = {CAP_SYS_MODULE, CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH};
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {0};
  if (syscall(SYS_capget, &head, data) < 0) {
    return -1;
  }
  uint32_t wanted = 0;
  for (size_t i = 0; i < sizeof keep / sizeof keep[0]; i++) {
    wanted |= 1U << keep[i];
  }
  for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
    if ((cap > 31 || !(wanted >> cap & 1)) && (data[0].effective & 1U << CAP_SETPCAP)) {
      if (prctl(PR_CAPBSET_DROP, cap) < 0) {
        return -1;
      }
    }
  }
  data[0].effective = data[0].permitted = data[0].permitted & wanted;
  data[1].effective = data[1].permitted = 0;
  data[0].inheritable = data[1].inheritable = 0;
  return (int)syscall(SYS_capset, &head, data);
}

static int install_filter(void) {
  const unsigned writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  struct sock_filter filter[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      RETURN(SECCOMP_RET_KILL_PROCESS),
      LOAD(nr),
      ALLOW(read),
      ALLOW(write),
      ALLOW(epoll_wait),
      ALLOW(epoll_ctl),
      ALLOW_WITHOUT(openat, writes),
      ALLOW(close),
      ALLOW(newfstatat),
      ALLOW(fstat),
      ALLOW(fcntl),
      ALLOW(getdents64),
      ALLOW(recvfrom),
      ALLOW(sendto),
      ALLOW(brk),
      ALLOW_WITHOUT(mmap, PROT_EXEC),
      ALLOW(munmap),
      ALLOW(mremap),
      ALLOW(clock_gettime),
      ALLOW(restart_syscall),
      ALLOW(rt_sigreturn),
      ALLOW(exit),
      ALLOW(exit_group),
      KILL(init_module),
      KILL(finit_module),
      KILL(delete_module),
      KILL(execve),
      KILL(execveat),
      KILL(clone),
      KILL(clone3),
      KILL(fork),
      KILL(vfork),
      KILL(ptrace),
      KILL(process_vm_writev),
      KILL(open),
      KILL(creat),
      KILL(openat2),
      KILL(mprotect),
      KILL(mount),
      KILL(setns),
      KILL(unshare),
      KILL(bpf),
      KILL(kexec_load),
      KILL(kexec_file_load),
      KILL(reboot),
      KILL(socket),
      KILL(io_uring_setup),
      RETURN(SECCOMP_RET_ERRNO | 1),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

int confine(void) {
  struct rlimit no_core = {0, 0}, memory = {64 << 20, 64 << 20};
  if (setrlimit(RLIMIT_CORE, &no_core) < 0 || setrlimit(RLIMIT_AS, &memory) < 0 ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || drop_capabilities() < 0) {
    return -1;
  }
  return install_filter();
}
