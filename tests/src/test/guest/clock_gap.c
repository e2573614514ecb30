// clock_gap: one loop on each CPU that looks at the time stamp counter all the time. Says "ready" when all of them run; at SIGTERM
// prints for each CPU its number and the longest time between two looks, in microseconds.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

static const uint64_t calibration = 200 * 1000 * 1000;

static volatile sig_atomic_t ended;

static void end(int signal) {
  (void)signal;
  ended = 1;
}

static uint64_t nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_RAW, &time);
  return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// The counter's ticks in a microsecond, by the kernel's clock; before anything is measured, since that may stand still in a pause.
static double ticks(void) {
  uint64_t from = nanoseconds(), first = __rdtsc();
  while (nanoseconds() - from < calibration) {
  }
  uint64_t last = __rdtsc();
  return (double)(last - first) * 1000 / (nanoseconds() - from);
}

static void look(int cpu, int *ready) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  if (sched_setaffinity(0, sizeof(only), &only) != 0) {
    perror("clock_gap: sched_setaffinity");
    exit(1);
  }
  setpriority(PRIO_PROCESS, 0, -20);
  double ticks_a_microsecond = ticks();
  uint64_t longest = 0, before = __rdtsc();
  __atomic_add_fetch(ready, 1, __ATOMIC_SEQ_CST);
  while (!ended) {
    uint64_t now = __rdtsc();
    if (now - before > longest) longest = now - before;
    before = now;
  }
  printf("%d %.0f\n", cpu, longest / ticks_a_microsecond);
  exit(0);
}

int main(void) {
  int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), failed = 0, status;
  int *ready = mmap(NULL, sizeof(*ready), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (ready == MAP_FAILED || setpgid(0, 0) != 0) {
    perror("clock_gap");
    return 1;
  }
  signal(SIGTERM, end);
  for (int cpu = 0; cpu < cpus; cpu++) {
    if (fork() == 0) look(cpu, ready);
  }
  while (__atomic_load_n(ready, __ATOMIC_SEQ_CST) < cpus && !ended) usleep(10000);
  puts("ready");
  fflush(stdout);
  while (!ended) usleep(10000);
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM); // those that have not had it
  while (wait(&status) > 0) failed |= status;
  return failed != 0;
}
