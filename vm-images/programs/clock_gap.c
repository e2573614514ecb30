// clock_gap: one loop on each CPU that looks at the time stamp counter all the time. Says "ready" when all of them run. At each SIGUSR1
// says which one this is and the longest time between two looks on any CPU, in microseconds, and counts from anew 100 ms later.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum { most_cpus = 1024 };

static const uint64_t calibration = 200 * 1000 * 1000;

// By all processes.
static struct {
  int ready;
  uint64_t longest[most_cpus];
} *shared;

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

static void look(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (sched_setaffinity(0, sizeof(only), &only) != 0) {
    perror("clock_gap: sched_setaffinity");
    exit(1);
  }
  uint64_t before = __rdtsc(), *longest = &shared->longest[cpu];
  __atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
  for (;;) {
    uint64_t now = __rdtsc();
    if (now - before > __atomic_load_n(longest, __ATOMIC_RELAXED)) __atomic_store_n(longest, now - before, __ATOMIC_RELAXED);
    before = now;
  }
}

static uint64_t forget(int cpus) {
  uint64_t most = 0;
  for (int cpu = 0; cpu < cpus; cpu++) {
    uint64_t longest = __atomic_exchange_n(&shared->longest[cpu], 0, __ATOMIC_SEQ_CST);
    if (longest > most) most = longest;
  }
  return most;
}

int main(void) {
  int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), asked;
  sigset_t question;
  sigemptyset(&question);
  sigaddset(&question, SIGUSR1);
  sigprocmask(SIG_BLOCK, &question, NULL);
  shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED || cpus > most_cpus) {
    perror("clock_gap");
    return 1;
  }
  double ticks_a_microsecond = ticks();
  for (int cpu = 0; cpu < cpus; cpu++) {
    if (fork() == 0) look(cpu);
  }
  while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < cpus) usleep(10000);
  puts("ready");
  fflush(stdout);
  for (int number = 1; sigwait(&question, &asked) == 0; number++) {
    printf("%d %.0f\n", number, forget(cpus) / ticks_a_microsecond);
    fflush(stdout);
    usleep(100000); // so that whoever asked is done reading
    forget(cpus);
  }
  return 1;
}
