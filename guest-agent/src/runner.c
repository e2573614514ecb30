// The half that may: runs probes and programs of the guest or of the host, each in a process group of its own with a time limit, and freezes
// control groups. It takes packets from the agent only, and checks them as if it were the host.
#define _GNU_SOURCE
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_EXEC // Linux 6.3
#define MFD_EXEC 0x10U
#endif

// What a child of ours says through its exit status, where that is not a program's own.
enum { SAYS_YES = 0, SAYS_NO = 1, SAYS_LATE = 2 };

struct running {
  bool used;
  bool over;     // its process has ended, with this status
  bool answered; // freezing: the rest is to wait for its end
  int status;
  pid_t process;
  int output; // what it writes
  int hold;   // freezing: thaws when this is closed
  uint64_t begun, ends;
  struct job_request job;
  uint32_t length;
  char text[JOB_OUTPUT];
};

struct runner {
  int socket;
  int root;
  bool commands;
  int program; // of the host's, in memory only, until it is run; -1 if there is none
  uint32_t has, wants;
  struct running all[JOBS_AT_ONCE];
};

static uint64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void woken(int number) { (void)number; }

static void send_result(struct runner *runner, const struct running *run, uint64_t number, enum job_outcome outcome,
                        int code) {
  struct job_result result = {.number = number, .outcome = outcome, .code = code};
  if (run) {
    result.milliseconds = (uint32_t)(now_ms() - run->begun);
    result.length = run->length;
    memcpy(result.output, run->text, run->length);
  }
  // The agent reads its socket before all else; one that does not any more is about to be started anew.
  send(runner->socket, &result, offsetof(struct job_result, output) + result.length, MSG_NOSIGNAL);
}

// ---- what the children do

// Says why with one number on standard output, and ends.
static _Noreturn void say(int what, int error) {
  char text[16];
  int length = snprintf(text, sizeof text, "%d", error);
  _exit(write(STDOUT_FILENO, text, (size_t)length) == length ? what : SAYS_NO);
}

static _Noreturn void connect_tcp(const struct job_request *job) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)job->port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)job->port)};
  bool is_v4 = inet_pton(AF_INET, job->text, &v4.sin_addr) == 1;
  if (!is_v4 && inet_pton(AF_INET6, job->text, &v6.sin6_addr) != 1) {
    say(SAYS_NO, EINVAL);
  }
  int connection = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
  const struct sockaddr *to = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
  if (connection < 0 || connect(connection, to, is_v4 ? sizeof v4 : sizeof v6) < 0) {
    say(SAYS_NO, errno);
  }
  _exit(SAYS_YES);
}

static _Noreturn void read_file(const struct job_request *job) {
  char byte;
  int file = open(job->text, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (file < 0 || read(file, &byte, 1) < 0) {
    say(SAYS_NO, errno);
  }
  _exit(SAYS_YES);
}

// program: the file of one of the host's; -1 for one of the guest's.
static _Noreturn void run_command(struct job_request *job, int program) {
  char *words[JOB_ARGUMENTS + 1] = {0};
  for (uint32_t i = 0; i < job->strings; i++) {
    words[i] = (char *)job_string(job, i);
  }
  char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", language[] = "LC_ALL=C";
  char *environment[] = {path, language, NULL};
  dup2(STDOUT_FILENO, STDERR_FILENO);
  if (program < 0) {
    execve(words[0], words, environment);
  } else {
    syscall(SYS_execveat, program, "", words, environment, AT_EMPTY_PATH);
  }
  dprintf(STDOUT_FILENO, "%s: %s", words[0], strerror(errno));
  _exit(127);
}

static int set_frozen(int root, const char *cgroup, bool frozen) {
  char path[256];
  snprintf(path, sizeof path, "sys/fs/cgroup/%s/cgroup.freeze", cgroup);
  int file = openat(root, path, O_WRONLY | O_CLOEXEC);
  if (file < 0) {
    return -1;
  }
  int written = (int)write(file, frozen ? "1" : "0", 1);
  int error = errno;
  close(file);
  errno = error;
  return written == 1 ? 0 : -1;
}

static bool is_own(int root, const char *cgroup) {
  char text[1024];
  size_t length = strlen(cgroup);
  read_text(root, "proc/self/cgroup", text, sizeof text);
  const char *own = strstr(text, "0::/");
  return own && strncmp(own + 4, cgroup, length) == 0 && strchr("/\n", own[4 + length]);
}

// Thaws when its time is over, when it is told to, and when the runner is gone: then the pipe ends.
static _Noreturn void freeze(int root, const struct job_request *job, int hold) {
  if (is_own(root, job->text)) {
    say(SAYS_NO, EBUSY);
  }
  if (set_frozen(root, job->text, true) < 0) {
    say(SAYS_NO, errno);
  }
  bool told = write(STDOUT_FILENO, "0", 1) == 1;
  struct pollfd wait = {.fd = hold, .events = POLLIN};
  uint64_t ends = now_ms() + job->limit_ms;
  for (uint64_t now = now_ms(); told && now < ends && !wait.revents; now = now_ms()) {
    poll(&wait, 1, (int)(ends - now));
  }
  _exit(set_frozen(root, job->text, false) < 0 ? SAYS_NO : SAYS_YES);
}

// ---- the runner

static _Noreturn void be_child(struct runner *runner, struct running *run, int output, int hold, sigset_t *signals) {
  setsid();
  int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(nothing, STDERR_FILENO);
  bool brought = run->job.kind == JOB_PROGRAM;
  // Out of the way of each other, then of what is closed.
  int files[] = {fcntl(runner->root, F_DUPFD, 64), fcntl(hold, F_DUPFD, 64),
                 brought ? fcntl(runner->program, F_DUPFD, 64) : -1};
  int root = dup3(files[0], 3, O_CLOEXEC);
  int kept = dup3(files[1], 4, O_CLOEXEC);
  int program = brought ? dup3(files[2], 5, O_CLOEXEC) : -1;
  close_range(brought ? 6 : 5, ~0U, 0);
  signal(SIGCHLD, SIG_DFL);
  sigprocmask(SIG_SETMASK, signals, NULL);
  switch (run->job.kind) {
    case JOB_TCP:
      connect_tcp(&run->job);
    case JOB_FILE:
      read_file(&run->job);
    case JOB_COMMAND:
    case JOB_PROGRAM:
      run_command(&run->job, program);
    default:
      freeze(root, &run->job, kept);
  }
}

static struct running *frozen(struct runner *runner, const char *cgroup) {
  for (int i = 0; i < JOBS_AT_ONCE; i++) {
    struct running *run = &runner->all[i];
    if (run->used && !run->over && run->job.kind == JOB_FREEZE && strcmp(run->job.text, cgroup) == 0) {
      return run;
    }
  }
  return NULL;
}

static void thaw(struct runner *runner, const struct job_request *job) {
  struct running *run = frozen(runner, job->text);
  bool thawed = run && set_frozen(runner->root, job->text, false) == 0;
  int error = run ? errno : ESRCH;
  if (run && run->hold >= 0) {
    close(run->hold);
    run->hold = -1;
  }
  send_result(runner, NULL, job->number, thawed ? JOB_PASSED : JOB_REFUSED, thawed ? 0 : error);
}

static int begin(struct runner *runner, struct running *run, const struct job_request *job, sigset_t *signals) {
  int output[2], hold[2];
  if (pipe2(output, O_CLOEXEC | O_NONBLOCK) < 0) {
    return errno;
  }
  if (pipe2(hold, O_CLOEXEC) < 0) {
    close(output[0]);
    close(output[1]);
    return errno;
  }
  memset(run, 0, sizeof *run);
  run->job = *job;
  run->begun = now_ms();
  run->ends = run->begun + job->limit_ms + (job->kind == JOB_FREEZE ? 1000 : 0);
  fcntl(output[1], F_SETFL, 0);
  run->process = fork();
  if (run->process == 0) {
    close(hold[1]);
    be_child(runner, run, output[1], hold[0], signals);
  }
  int error = errno;
  close(output[1]);
  close(hold[0]);
  if (run->process < 0) {
    close(output[0]);
    close(hold[1]);
    return error;
  }
  run->output = output[0];
  run->hold = hold[1];
  run->used = true;
  return 0;
}

static int drop_program(struct runner *runner) {
  if (runner->program >= 0) {
    close(runner->program);
  }
  runner->program = -1;
  runner->has = runner->wants = 0;
  return 0;
}

// A file that is in no directory: it is gone with its last descriptor. Newer kernels want to be told that it may be run.
static int memory_file(void) {
  int file = memfd_create("lucos-probe", MFD_CLOEXEC | MFD_EXEC);
  return file < 0 && errno == EINVAL ? memfd_create("lucos-probe", MFD_CLOEXEC) : file;
}

// The next part of a program, or the first one of another.
static int add_part(struct runner *runner, const struct job_request *job) {
  if (job->offset == 0) {
    drop_program(runner);
    if (job->total == 0) {
      return 0;
    }
    runner->program = memory_file();
    runner->wants = job->total;
    if (runner->program < 0) {
      return errno;
    }
  }
  if (runner->program < 0 || job->offset != runner->has || job->total != runner->wants) {
    drop_program(runner);
    return EILSEQ;
  }
  ssize_t put = pwrite(runner->program, job->text, job->length, job->offset);
  if (put != (ssize_t)job->length) {
    int error = put < 0 ? errno : ENOSPC;
    drop_program(runner);
    return error;
  }
  runner->has += job->length;
  return 0;
}

static bool is_program(uint32_t kind) { return kind == JOB_COMMAND || kind == JOB_PROGRAM; }

static void take(struct runner *runner, sigset_t *signals) {
  static struct job_request job;
  ssize_t got = recv(runner->socket, &job, sizeof job, MSG_DONTWAIT);
  if (got < (ssize_t)sizeof job.number) {
    return;
  }
  int error = EINVAL;
  bool sound = job_is_sound(&job, (size_t)got);
  if (sound && job.kind == JOB_PART) {
    error = runner->commands ? add_part(runner, &job) : EPERM;
    send_result(runner, NULL, job.number, error ? JOB_REFUSED : JOB_PASSED, error);
    return;
  }
  if (sound && (!is_program(job.kind) || runner->commands)) {
    if (job.kind == JOB_THAW) {
      thaw(runner, &job);
      return;
    }
    error = EAGAIN;
    if (job.kind == JOB_PROGRAM && (runner->program < 0 || runner->has != runner->wants)) {
      error = ENOENT; // it was not brought, or not all of it
    }
    if (job.kind == JOB_FREEZE && frozen(runner, job.text)) {
      error = EALREADY;
    }
    for (int i = 0; i < JOBS_AT_ONCE && error == EAGAIN; i++) {
      if (!runner->all[i].used) {
        error = begin(runner, &runner->all[i], &job, signals);
      }
    }
    if (job.kind == JOB_PROGRAM) {
      drop_program(runner); // who runs it has it; nothing stays behind
    }
  }
  if (error) {
    send_result(runner, NULL, job.number, JOB_REFUSED, error);
  }
}

static void drain(struct running *run) {
  char more[512];
  ssize_t got;
  while ((got = read(run->output, more, sizeof more)) > 0) {
    size_t room = sizeof run->text - run->length;
    size_t part = (size_t)got < room ? (size_t)got : room;
    memcpy(run->text + run->length, more, part);
    run->length += (uint32_t)part;
  }
  if (got == 0) {
    close(run->output);
    run->output = -1;
  }
}

// A number that a child of ours said.
static int said(struct running *run) {
  int number = run->length && run->length < 12 ? atoi(memcpy((char[16]){0}, run->text, run->length)) : 0;
  run->length = 0;
  return number;
}

static void end(struct runner *runner, struct running *run) {
  int status = run->status;
  bool program = is_program(run->job.kind);
  if (run->job.kind == JOB_FREEZE) {
    set_frozen(runner->root, run->job.text, false); // whatever ended the one that was to do it
  }
  if (run->answered) {
    // its answer was given when it had frozen
  } else if (WIFSIGNALED(status)) {
    bool late = WTERMSIG(status) == SIGKILL && now_ms() >= run->ends;
    send_result(runner, run, run->job.number, late ? JOB_TIMED_OUT : JOB_SIGNALLED, WTERMSIG(status));
  } else if (WEXITSTATUS(status) == 0) {
    send_result(runner, run, run->job.number, JOB_PASSED, 0);
  } else {
    int code = program ? WEXITSTATUS(status) : said(run);
    send_result(runner, run, run->job.number, JOB_FAILED, code);
  }
  if (run->output >= 0) {
    close(run->output);
  }
  if (run->hold >= 0) {
    close(run->hold);
  }
  run->used = false;
}

static void look_after(struct runner *runner, struct running *run) {
  if (run->output >= 0) {
    drain(run);
  }
  if (!run->over && waitpid(run->process, &run->status, WNOHANG) == run->process) {
    run->over = true;
    kill(-run->process, SIGKILL); // what it left running in its group
    if (run->output >= 0) {
      drain(run);
    }
  }
  if (run->over) {
    end(runner, run);
  } else if (now_ms() >= run->ends) {
    kill(-run->process, SIGKILL);
  } else if (run->job.kind == JOB_FREEZE && !run->answered && run->length == 1 && run->text[0] == '0') {
    run->length = 0;
    send_result(runner, run, run->job.number, JOB_PASSED, 0);
    run->answered = true;
  }
}

static void end_all(struct runner *runner) {
  for (int i = 0; i < JOBS_AT_ONCE; i++) {
    struct running *run = &runner->all[i];
    if (run->used) {
      if (run->job.kind == JOB_FREEZE) {
        set_frozen(runner->root, run->job.text, false);
      }
      kill(-run->process, SIGKILL);
      waitpid(run->process, NULL, 0);
    }
  }
}

// How long until the next of them is over its time; -1 if there is none.
static int time_left(const struct runner *runner) {
  int least = -1;
  uint64_t now = now_ms();
  for (int i = 0; i < JOBS_AT_ONCE; i++) {
    const struct running *run = &runner->all[i];
    if (run->used) {
      int left = run->ends > now ? (int)(run->ends - now) : 10;
      least = least < 0 || left < least ? left : least;
    }
  }
  return least;
}

int runner_run(int socket, int agent_process, int root, bool commands) {
  static struct runner runner;
  memset(&runner, 0, sizeof runner);
  runner.socket = socket;
  runner.root = root;
  runner.commands = commands;
  runner.program = -1;
  sigset_t signals, blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD);
  sigprocmask(SIG_BLOCK, &blocked, &signals);
  struct sigaction action = {.sa_handler = woken};
  sigaction(SIGCHLD, &action, NULL);
  int status = 0;
  while (waitpid(agent_process, &status, WNOHANG) == 0) {
    struct pollfd wait[JOBS_AT_ONCE + 1] = {{.fd = socket, .events = POLLIN}};
    for (int i = 0; i < JOBS_AT_ONCE; i++) {
      wait[i + 1] = (struct pollfd){.fd = runner.all[i].used ? runner.all[i].output : -1, .events = POLLIN};
    }
    int left = time_left(&runner);
    struct timespec longest = {left / 1000, left % 1000 * 1000000L};
    if (ppoll(wait, JOBS_AT_ONCE + 1, left < 0 ? NULL : &longest, &signals) > 0 && wait[0].revents & POLLIN) {
      take(&runner, &signals);
    }
    for (int i = 0; i < JOBS_AT_ONCE; i++) {
      if (runner.all[i].used) {
        look_after(&runner, &runner.all[i]);
      }
    }
    if (wait[0].revents & (POLLHUP | POLLERR) && !(wait[0].revents & POLLIN)) {
      waitpid(agent_process, &status, 0); // it has closed its end
      break;
    }
  }
  end_all(&runner);
  drop_program(&runner);
  sigprocmask(SIG_SETMASK, &signals, NULL);
  return status;
}
