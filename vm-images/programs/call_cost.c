// call_cost BATCHES CALLS: makes getpid system calls on the first CPU and prints, for each batch of so many calls, the
// nanoseconds of a thousand.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int batches = argc > 1 ? atoi(argv[1]) : 1, calls = argc > 2 ? atoi(argv[2]) : 1000;
  long self = getpid();
  cpu_set_t first;
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  if (batches < 1 || calls < 1 || sched_setaffinity(0, sizeof first, &first) != 0) return 2;
  for (int batch = -1; batch < batches; batch++) { // the first one warms up
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC_RAW, &from);
    for (int call = 0; call < calls; call++) {
      if (syscall(SYS_getpid) != self) return 1;
    }
    clock_gettime(CLOCK_MONOTONIC_RAW, &to);
    long long took = (to.tv_sec - from.tv_sec) * 1000000000LL + (to.tv_nsec - from.tv_nsec);
    if (batch >= 0) printf("%lld\n", took * 1000 / calls);
  }
  return 0;
}
