// net_load SECONDS: one process sends patterned bytes over a TCP connection on the loopback, another checks them; a new connection
// every 4 MB. Prints how many there were. Anything unexpected ends it with status 1; killing it kills both.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 16384, CHUNKS = 256 };

static void must(int good, const char *what) {
  if (!good) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
  }
}

static void fill(unsigned char *bytes, int chunk) {
  for (int i = 0; i < CHUNK; i++) bytes[i] = (unsigned char)(chunk * 31 + i);
}

static void transmit(const struct sockaddr_in *to) {
  static unsigned char bytes[CHUNK];
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  must(fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof *to) == 0, "connect");
  for (int chunk = 0; chunk < CHUNKS; chunk++) {
    fill(bytes, chunk);
    must(send(fd, bytes, CHUNK, 0) == CHUNK, "send");
  }
  close(fd);
}

static void receive(int listener) {
  static unsigned char bytes[CHUNK], expected[CHUNK];
  int fd = accept(listener, NULL, NULL);
  must(fd >= 0, "accept");
  for (int chunk = 0; chunk < CHUNKS; chunk++) {
    fill(expected, chunk);
    must(recv(fd, bytes, CHUNK, MSG_WAITALL) == CHUNK, "recv");
    must(memcmp(bytes, expected, CHUNK) == 0, "bytes differ");
  }
  must(recv(fd, bytes, 1, 0) == 0, "end");
  close(fd);
}

int main(int argc, char **argv) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  must(listener >= 0 && bind(listener, (struct sockaddr *)&at, sizeof at) == 0, "bind");
  must(listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&at, &size) == 0, "listen");
  time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
  long connections = 0;
  for (; time(NULL) < end; connections++) {
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
      must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
      transmit(&at);
      _exit(0);
    }
    receive(listener);
    int status;
    must(waitpid(pid, &status, 0) == pid && status == 0, "sender");
  }
  printf("%ld connections\n", connections);
  return 0;
}
