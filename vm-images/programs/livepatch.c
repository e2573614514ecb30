// livepatch in FILE NAME: loads a livepatch module and waits until no task runs old code. livepatch out NAME: switches it off,
// waits until no task runs its code, and unloads it. Prints the microseconds from the request to the effect.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char path[256];

static long micros(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static const char *file(const char *name, const char *of) {
  snprintf(path, sizeof path, "/sys/kernel/livepatch/%s/%s", name, of);
  return path;
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

static void nap(void) {
  struct timespec moment = {0, 500000};
  nanosleep(&moment, NULL);
}

// The first character of a file; 0 if it is not there.
static char first(const char *name) {
  char value = 0;
  int fd = open(name, O_RDONLY);
  if (fd < 0) return 0;
  if (read(fd, &value, 1) != 1) value = 0;
  close(fd);
  return value;
}

static int in(const char *module, const char *name) {
  long start = micros();
  int fd = open(module, O_RDONLY);
  if (fd < 0) return fail(module);
  if (syscall(SYS_finit_module, fd, "", 0) != 0) return fail("finit_module");
  while (first(file(name, "transition")) != '0') nap();
  printf("%ld\n", micros() - start);
  return 0;
}

static int out(const char *name) {
  long start = micros();
  int fd = open(file(name, "enabled"), O_WRONLY);
  if (fd < 0 || write(fd, "0", 1) != 1) return fail(path);
  close(fd);
  while (first(file(name, "enabled")) != 0) nap();
  long took = micros() - start;
  while (syscall(SYS_delete_module, name, O_NONBLOCK) != 0) {
    if (errno != EAGAIN && errno != EBUSY && errno != EWOULDBLOCK) return fail("delete_module");
    nap();
  }
  printf("%ld\n", took);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "in") == 0) return in(argv[2], argv[3]);
  if (argc == 3 && strcmp(argv[1], "out") == 0) return out(argv[2]);
  fprintf(stderr, "usage: livepatch in FILE NAME | out NAME\n");
  return 2;
}
