#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

struct options {
  const char *port; // a device or a socket; NULL to look for it
  const char *root;
  bool stdio;
  bool commands;
};

// The host's end of the wire. It lasts if it is a device: a host that goes away may come again.
struct port {
  int in, out;
  bool lasts;
};

static const char USAGE[] =
    "usage: lucos-agent [options]    answers the controller on the host of this virtual machine\n"
    "  --port PATH     a character device or a UNIX socket, instead of the virtio-serial port or the channel of\n"
    "                  Xen's with the name " PORT_NAME "\n"
    "  --stdio         standard input and output instead; ends with the input\n"
    "  --no-commands   the host may not run programs here\n"
    "  --root DIR      looks for dev, proc and sys there (for tests)\n"
    "  --version\n";

static bool begin_job(struct agent *agent, const struct job_request *job) {
  size_t size = offsetof(struct job_request, text) + job->length;
  return send(agent->socket, job, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
}

// False when the input has ended for good.
static bool take_input(struct agent *agent, const struct port *port) {
  char bytes[4096];
  while (!queue_is_busy(&agent->out)) {
    ssize_t got = read(port->in, bytes, sizeof bytes);
    if (got > 0) {
      agent_take(agent, bytes, (size_t)got);
    } else if (got == 0) {
      return port->lasts; // no host is there, or it went away
    } else if (errno != EINTR) {
      return errno == EAGAIN;
    }
  }
  return true;
}

static bool give_output(struct agent *agent, const struct port *port) {
  while (agent->out.used > 0) {
    ssize_t done = write(port->out, agent->out.data, agent->out.used);
    if (done > 0) {
      queue_sent(&agent->out, (size_t)done);
    } else if (done < 0 && errno != EINTR) {
      return errno == EAGAIN;
    }
  }
  return true;
}

static void take_results(struct agent *agent) {
  static struct job_result result;
  while (recv(agent->socket, &result, sizeof result, MSG_DONTWAIT) >= (ssize_t)offsetof(struct job_result, output)) {
    agent_job_done(agent, &result);
  }
}

static bool jobs_wait(const struct agent *agent) {
  for (int i = 0; i < JOBS_AT_ONCE; i++) {
    if (agent->jobs[i].used) {
      return true;
    }
  }
  return false;
}

static bool watch(int poll, int file, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = file};
  // A plain file is always ready, and epoll refuses it.
  return file < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, file, &event) == 0 || errno == EPERM;
}

// Edge-triggered: a port that no host has opened would be ready all the time to say so.
static int serve(struct agent *agent, const struct port *port, int kmsg) {
  int poll = epoll_create1(EPOLL_CLOEXEC);
  bool open = true;
  kernel_log_read(&agent->log, kmsg); // what came before
  if (poll < 0 || !watch(poll, port->in, EPOLLIN | EPOLLET | (port->in == port->out ? EPOLLOUT : 0)) ||
      (port->in != port->out && !watch(poll, port->out, EPOLLOUT | EPOLLET)) || !watch(poll, agent->socket, EPOLLIN) ||
      !watch(poll, kmsg, EPOLLIN) || confine() < 0) {
    perror("lucos-agent: cannot begin");
    return EXIT_FAILURE;
  }
  for (;;) {
    bool could_go_on;
    do {
      open = open && take_input(agent, port);
      could_go_on = queue_is_busy(&agent->out);
      if (!give_output(agent, port)) {
        return port->lasts ? EXIT_FAILURE : EXIT_SUCCESS;
      }
      could_go_on = could_go_on && !queue_is_busy(&agent->out); // there was more to read than room for answers
    } while (open && could_go_on);
    if (!open && agent->out.used == 0 && !jobs_wait(agent)) {
      return EXIT_SUCCESS;
    }
    struct epoll_event events[8];
    int count = epoll_wait(poll, events, 8, -1);
    if (count < 0 && errno != EINTR) {
      return EXIT_FAILURE;
    }
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd == agent->socket) {
        if (events[i].events & EPOLLHUP) {
          return EXIT_FAILURE; // the runner is gone
        }
        take_results(agent);
      } else if (events[i].data.fd == kmsg) {
        kernel_log_read(&agent->log, kmsg);
      } else if (events[i].events & EPOLLHUP && port->lasts && !(events[i].events & EPOLLIN)) {
        lines_forget(&agent->in); // another host, or another controller, begins anew
        agent_forget_program(agent);
        agent->out.used = 0;
      }
    }
  }
}

static int open_socket(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file >= 0 && strlen(path) < sizeof address.sun_path) {
    memcpy(address.sun_path, path, strlen(path));
  }
  if (file >= 0 && connect(file, (struct sockaddr *)&address, sizeof address) < 0) {
    close(file);
    return -1;
  }
  return file;
}

static bool open_port(const struct options *options, int root, struct port *port) {
  if (options->stdio) {
    *port = (struct port){STDIN_FILENO, STDOUT_FILENO, false};
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
    return true;
  }
  char found[300];
  const char *path = options->port;
  int folder = AT_FDCWD;
  if (!path) {
    if (!find_port(root, found, sizeof found)) {
      return false;
    }
    path = found;
    folder = root;
  }
  struct stat about;
  if (fstatat(folder, path, &about, 0) < 0) {
    return false;
  }
  bool lasts = S_ISCHR(about.st_mode);
  int file = S_ISSOCK(about.st_mode) ? open_socket(path) : openat(folder, path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  struct termios terminal;
  if (file >= 0 && isatty(file) && tcgetattr(file, &terminal) == 0) {
    cfmakeraw(&terminal);
    tcsetattr(file, TCSANOW, &terminal);
  }
  *port = (struct port){file, file, lasts};
  return file >= 0;
}

static void rest(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

// One life of the agent, its runner beside it; the status it ended with.
static int run_once(const struct options *options, int root) {
  static struct agent agent;
  struct port port;
  for (long waited = 0; !open_port(options, root, &port); waited++) {
    rest(waited < 20 ? 100 : 2000);
  }
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
    perror("lucos-agent: socketpair");
    return EXIT_FAILURE;
  }
  pid_t process = fork();
  if (process == 0) {
    close(pair[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    memset(&agent, 0, sizeof agent);
    agent.root = root;
    agent.pid = getpid();
    agent.commands = options->commands;
    agent.begin_job = begin_job;
    agent.socket = pair[1];
    json_object_seed(0);
    int kmsg = openat(root, "dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    _exit(serve(&agent, &port, kmsg));
  }
  close(pair[1]);
  if (!options->stdio) {
    close(port.in);
  } else {
    close(STDIN_FILENO); // the agent alone has the wire
    close(STDOUT_FILENO);
    open("/dev/null", O_RDWR);
    open("/dev/null", O_RDWR);
  }
  int status = process < 0 ? EXIT_FAILURE : runner_run(pair[0], process, root, options->commands);
  close(pair[0]);
  return process >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int main(int argc, char **argv) {
  struct options options = {.root = "/", .commands = true};
  const struct option names[] = {{"port", required_argument, NULL, 'p'}, {"stdio", no_argument, NULL, 's'},
                                 {"no-commands", no_argument, NULL, 'n'}, {"root", required_argument, NULL, 'r'},
                                 {"version", no_argument, NULL, 'v'},     {"help", no_argument, NULL, 'h'},
                                 {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "h", names, NULL)) >= 0;) {
    switch (option) {
      case 'p':
        options.port = optarg;
        break;
      case 's':
        options.stdio = true;
        break;
      case 'n':
        options.commands = false;
        break;
      case 'r':
        options.root = optarg;
        break;
      case 'v':
        puts("lucos-agent " AGENT_VERSION);
        return EXIT_SUCCESS;
      case 'h':
        fputs(USAGE, stdout);
        return EXIT_SUCCESS;
      default:
        fputs(USAGE, stderr);
        return 2;
    }
  }
  signal(SIGPIPE, SIG_IGN);
  int root = open(options.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) {
    perror(options.root);
    return EXIT_FAILURE;
  }
  int status = run_once(&options, root);
  while (!options.stdio) {
    rest(1000); // it ended for a reason that may be over: a port that was unplugged, a runner killed
    status = run_once(&options, root);
  }
  return status;
}
