// syscall_load PROCESSES SECONDS: that many processes make common system calls (files, pipes, sockets, memory, signals,
// timers) without a pause; prints how many rounds they made together. An unexpected error ends it with status 1; killing it
// kills them all.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void must(int good, const char *what) {
  if (!good) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
  }
}

static void files(int worker) {
  char path[64], buffer[512];
  struct stat st;
  snprintf(path, sizeof path, "/tmp/syscall_load.%d", worker);
  int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
  must(fd >= 0, "open");
  memset(buffer, worker, sizeof buffer);
  must(write(fd, buffer, sizeof buffer) == sizeof buffer, "write");
  must(lseek(fd, 0, SEEK_SET) == 0, "lseek");
  must(read(fd, buffer, sizeof buffer) == sizeof buffer, "read");
  must(fstat(fd, &st) == 0 && st.st_size == sizeof buffer, "fstat");
  must(close(fd) == 0, "close");
  must(unlink(path) == 0, "unlink");
  DIR *dir = opendir("/proc/self");
  must(dir != NULL, "opendir");
  while (readdir(dir) != NULL) {
  }
  closedir(dir);
}

static void pipes(void) {
  int ends[2];
  char byte = 'x';
  must(pipe(ends) == 0, "pipe");
  must(write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1, "pipe io");
  close(ends[0]);
  close(ends[1]);
}

static void sockets(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  char text[32] = "datagram";
  int receiver = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
  must(receiver >= 0 && sender >= 0, "socket");
  must(bind(receiver, (struct sockaddr *)&at, sizeof at) == 0, "bind");
  must(getsockname(receiver, (struct sockaddr *)&at, &size) == 0, "getsockname");
  must(sendto(sender, text, sizeof text, 0, (struct sockaddr *)&at, size) == sizeof text, "sendto");
  must(recv(receiver, text, sizeof text, 0) == sizeof text, "recv");
  close(receiver);
  close(sender);
}

static void memory(void) {
  size_t length = 64 * 4096;
  char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(at != MAP_FAILED, "mmap");
  for (size_t i = 0; i < length; i += 4096) at[i] = 1;
  must(mprotect(at, length, PROT_READ) == 0, "mprotect");
  must(munmap(at, length) == 0, "munmap");
}

static void others(void) {
  struct timespec moment = {0, 20000}, now;
  must(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
  must(nanosleep(&moment, NULL) == 0 || errno == EINTR, "nanosleep");
  must(raise(SIGUSR1) == 0, "raise");
}

static void child(void) {
  int status;
  pid_t pid = fork();
  must(pid >= 0, "fork");
  if (pid == 0) _exit(7);
  must(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7, "waitpid");
}

static void ignore(int signal) { (void)signal; }

int main(int argc, char **argv) {
  int workers = argc > 1 ? atoi(argv[1]) : 1, seconds = argc > 2 ? atoi(argv[2]) : 10, failed = 0;
  long *rounds = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(rounds != MAP_FAILED && workers > 0 && workers <= 64, "usage");
  signal(SIGUSR1, ignore);
  for (int worker = 0; worker < workers; worker++) {
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
      must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
      time_t end = time(NULL) + seconds;
      while (time(NULL) < end) {
        files(worker);
        pipes();
        sockets();
        memory();
        others();
        if (rounds[worker]++ % 16 == 0) child();
      }
      _exit(0);
    }
  }
  long total = 0;
  for (int worker = 0; worker < workers; worker++) {
    int status;
    must(wait(&status) > 0, "wait");
    failed |= status;
  }
  for (int worker = 0; worker < workers; worker++) total += rounds[worker];
  printf("%ld rounds\n", total);
  return failed != 0;
}
