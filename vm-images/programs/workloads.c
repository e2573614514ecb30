// workloads BATCHES: small workloads in turn, each for BATCHES batches; prints "NAME NANOSECONDS" for each batch, the nanoseconds
// of one operation (of a mebibyte, for what moves bytes). What each does is at its function. The first batch warms up.
// workloads BATCHES NAME COMMAND...: the same of a program, which is run once in each batch.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char chunk[1 << 16];

static void must(int well, const char *what) {
  if (!well) {
    perror(what);
    exit(1);
  }
}

// A system call that does next to nothing.
static void call(int times) {
  while (times--) must(syscall(SYS_getppid) >= 0, "getppid");
}

// lseek(), which some of the patches replace.
static void seek(int times) {
  static int file = -1;
  if (file < 0) must((file = open("/proc/version", O_RDONLY)) >= 0, "open");
  while (times--) must(lseek(file, 0, SEEK_SET) == 0, "lseek");
}

// Opening a file and closing it.
static void open_close(int times) {
  while (times--) {
    int file = open("/proc/self/stat", O_RDONLY);
    must(file >= 0 && close(file) == 0, "open");
  }
}

// Mapping four pages, writing to each, unmapping them.
static void map(int times) {
  while (times--) {
    char *at = mmap(NULL, 4 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(at != MAP_FAILED, "mmap");
    for (int page = 0; page < 4; page++) at[page << 12] = 1;
    must(munmap(at, 4 << 12) == 0, "munmap");
  }
}

// A process that ends at once.
static void process(int times) {
  while (times--) {
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) _exit(0);
    must(waitpid(child, NULL, 0) == child, "waitpid");
  }
}

// A file of 4 KiB, made and deleted.
static void file(int times) {
  while (times--) {
    int made = open("/tmp/workload", O_CREAT | O_WRONLY | O_TRUNC, 0600);
    must(made >= 0 && write(made, chunk, 4096) == 4096 && close(made) == 0, "write");
    must(unlink("/tmp/workload") == 0, "unlink");
  }
}

// A byte to another process and back.
static void ping(int times) {
  int there[2], back[2];
  char byte = 0;
  must(pipe(there) == 0 && pipe(back) == 0, "pipe");
  pid_t other = fork();
  must(other >= 0, "fork");
  if (other == 0) {
    close(there[1]);
    while (read(there[0], &byte, 1) == 1) must(write(back[1], &byte, 1) == 1, "write");
    _exit(0);
  }
  while (times--) must(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "ping");
  close(there[0]);
  close(there[1]);
  close(back[0]);
  close(back[1]);
  must(waitpid(other, NULL, 0) == other, "waitpid");
}

// Ten processes send messages of 100 bytes to ten others, as hackbench does; each sends so many.
static void messages(int times) {
  int pairs[10][2];
  char message[100] = {0};
  for (int i = 0; i < 10; i++) must(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) == 0, "socketpair");
  for (int i = 0; i < 20; i++) {
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child != 0) continue;
    for (int n = 0; n < times; n++) {
      if (i < 10) {
        must(write(pairs[i][0], message, sizeof message) == sizeof message, "write");
      } else {
        must(recv(pairs[i - 10][1], message, sizeof message, MSG_WAITALL) == sizeof message, "recv");
      }
    }
    _exit(0);
  }
  for (int i = 0; i < 20; i++) {
    int status;
    must(wait(&status) > 0 && status == 0, "wait");
  }
  for (int i = 0; i < 10; i++) close(pairs[i][0]), close(pairs[i][1]);
}

// So many mebibytes from another process.
static void drain(int from, pid_t other, int times) {
  for (long left = (long)times << 20; left > 0;) {
    ssize_t got = read(from, chunk, sizeof chunk);
    must(got > 0, "read");
    left -= got;
  }
  close(from);
  must(waitpid(other, NULL, 0) == other, "waitpid");
}

static void fill(int into, int times) {
  for (int i = 0; i < times << 4; i++) must(write(into, chunk, sizeof chunk) == sizeof chunk, "write");
  _exit(0);
}

// Through a Unix socket, and through TCP.
static void local(int times) {
  int ends[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  pid_t other = fork();
  must(other >= 0, "fork");
  if (other == 0) fill(ends[1], times);
  close(ends[1]);
  drain(ends[0], other, times);
}

static void tcp(int times) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  int listening = socket(AF_INET, SOCK_STREAM, 0);
  must(bind(listening, (struct sockaddr *)&at, size) == 0 && listen(listening, 1) == 0, "listen");
  must(getsockname(listening, (struct sockaddr *)&at, &size) == 0, "getsockname");
  pid_t other = fork();
  must(other >= 0, "fork");
  if (other == 0) {
    int out = socket(AF_INET, SOCK_STREAM, 0);
    must(connect(out, (struct sockaddr *)&at, size) == 0, "connect");
    fill(out, times);
  }
  int in = accept(listening, NULL, NULL);
  must(in >= 0, "accept");
  close(listening);
  drain(in, other, times);
}

struct workload {
  const char *name;
  void (*run)(int times);
  int times;
  int operations; // in one of these times
};

static const struct workload all[] = {
    {"call", call, 20000, 1},   {"lseek", seek, 20000, 1}, {"open-close", open_close, 1000, 1},
    {"map", map, 1000, 1},      {"process", process, 50, 1}, {"file", file, 500, 1},
    {"ping", ping, 500, 1},     {"messages", messages, 100, 10}, {"local", local, 8, 1},
    {"tcp", tcp, 4, 1},
};

static char **command;

// The program of the command line, from its start to its end; what it prints is dropped.
static void program(int times) {
  while (times--) {
    pid_t child = fork();
    int status;
    must(child >= 0, "fork");
    if (child == 0) {
      must(dup2(open("/dev/null", O_WRONLY), 1) == 1, "/dev/null");
      execv(command[0], command);
      perror(command[0]);
      _exit(127);
    }
    must(waitpid(child, &status, 0) == child, "waitpid");
    if (status != 0) {
      fprintf(stderr, "%s: wait status %d\n", command[0], status);
      exit(1);
    }
  }
}

static void measure(const struct workload *work, int batches) {
  for (int batch = -1; batch < batches; batch++) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC_RAW, &from);
    work->run(work->times);
    clock_gettime(CLOCK_MONOTONIC_RAW, &to);
    long long took = (to.tv_sec - from.tv_sec) * 1000000000LL + (to.tv_nsec - from.tv_nsec);
    if (batch >= 0) {
      printf("%s %lld\n", work->name, took / work->times / work->operations);
      fflush(stdout);
    }
  }
}

int main(int argc, char **argv) {
  int batches = argc > 1 ? atoi(argv[1]) : 1;
  signal(SIGPIPE, SIG_IGN);
  if (argc > 3) {
    command = argv + 3;
    measure(&(struct workload){argv[2], program, 1, 1}, batches);
    return 0;
  }
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) measure(&all[i], batches);
  return 0;
}
