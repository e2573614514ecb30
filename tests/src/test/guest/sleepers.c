// sleepers: one child for each way to sleep; prints "WAY PID" for each, then "ready" once all of them sleep.
#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int ends[2];

static void nanosleep_(void) {
  struct timespec long_time = {100000, 0};
  nanosleep(&long_time, NULL);
}

static void pipe_(void) {
  char byte;
  if (read(ends[0], &byte, 1) < 0) perror("read");
}

static void poll_(void) {
  struct pollfd one = {.fd = ends[0], .events = POLLIN};
  poll(&one, 1, -1);
}

static void futex_(void) {
  int word = 0;
  syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static const struct {
  const char *name;
  void (*sleep)(void);
} ways[] = {{"nanosleep", nanosleep_}, {"pipe", pipe_}, {"poll", poll_}, {"futex", futex_}};

static int sleeps(int pid) {
  char path[64], state = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *stat = fopen(path, "r");
  if (stat == NULL) return 0;
  if (fscanf(stat, "%*d %*s %c", &state) != 1) state = 0;
  fclose(stat);
  return state == 'S';
}

int main(void) {
  if (pipe(ends) != 0) {
    perror("pipe");
    return 1;
  }
  int pids[sizeof ways / sizeof *ways];
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
    pids[i] = fork();
    if (pids[i] == 0) {
      for (;;) ways[i].sleep();
    }
    printf("%s %d\n", ways[i].name, pids[i]);
  }
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
    while (!sleeps(pids[i])) usleep(1000);
  }
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
