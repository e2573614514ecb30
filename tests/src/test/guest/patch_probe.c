// patch_probe CALL [NUMBER]: makes one system call that a patch under test changes, and prints its result or the error's name.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Every entry of a directory goes through the page that cannot be written.
static long getdents(void) {
  void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return syscall(SYS_getdents64, open("/proc/self", O_RDONLY | O_DIRECTORY), page, 4096);
}

static long nanoseconds(long count) {
  struct timespec time = {0, count};
  return syscall(SYS_nanosleep, &time, NULL);
}

int main(int argc, char **argv) {
  const char *call = argc > 1 ? argv[1] : "";
  long number = argc > 2 ? strtol(argv[2], NULL, 0) : 0, result;
  if (strcmp(call, "getdents") == 0) {
    result = getdents();
  } else if (strcmp(call, "lseek") == 0) {
    result = syscall(SYS_lseek, open("/proc/self/exe", O_RDONLY), number, SEEK_SET);
  } else if (strcmp(call, "getsockname") == 0) {
    result = syscall(SYS_getsockname, (int)number, NULL, NULL);
  } else if (strcmp(call, "nanosleep") == 0) {
    result = nanoseconds(number);
  } else if (strcmp(call, "priority") == 0) {
    result = syscall(SYS_sched_get_priority_max, (int)number);
  } else if (strcmp(call, "syslog") == 0) {
    result = syscall(SYS_syslog, (int)number, NULL, 0);
  } else {
    fprintf(stderr, "patch_probe: no such call: %s\n", call);
    return 2;
  }
  if (result < 0) {
    puts(strerrorname_np(errno));
  } else {
    printf("%ld\n", result);
  }
  return 0;
}
