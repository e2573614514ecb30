// threads N: starts N threads that sleep until the process is killed; prints "ready" when all are there.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *sleeper(void *unused) {
  while (unused == NULL) pause();
  return unused;
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16384);
  for (int i = 0; i < count; i++) {
    pthread_t thread;
    if (pthread_create(&thread, &small, sleeper, NULL) != 0) {
      perror("pthread_create");
      return 1;
    }
  }
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
