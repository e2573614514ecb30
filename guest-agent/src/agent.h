// The agent's parts and what they share. One process talks to the host and is confined (agent), its
// parent does what the confined one may not (runner): commands, probes, freezing.
#ifndef LUCOS_AGENT_H
#define LUCOS_AGENT_H

#include <dirent.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_VERSION "0.1.0"
#define AGENT_PROTOCOL 1
#define PORT_NAME "org.lucos.agent.0"

// The longest line in either direction, its newline included.
#define LINE_LIMIT 65536
// Answers that wait for the host; while more than half is used, requests are not read.
#define QUEUE_LIMIT (4 * LINE_LIMIT)
// Numbers of requests are exact in every JSON library.
#define ID_LIMIT ((json_int_t)1 << 53)

// ---- lines.c: bytes from and to the host

struct lines {
  size_t used;
  bool skipping; // the rest of a line that was too long
  char data[LINE_LIMIT];
};

struct queue {
  size_t used;
  unsigned long dropped;
  char data[QUEUE_LIMIT];
};

typedef void line_taker(void *context, const char *line, size_t length);

// Gives each whole line, without its newline, to take, or to too_long how much of it there was.
void lines_feed(struct lines *lines, const char *bytes, size_t count, line_taker *take, line_taker *too_long,
                void *context);
void lines_forget(struct lines *lines);

// Puts one message and a newline into the queue; one that is too long or has no room is dropped and counted.
bool queue_put(struct queue *queue, const json_t *message);
void queue_sent(struct queue *queue, size_t count);
bool queue_is_busy(const struct queue *queue);

// ---- files.c: small files of the kernel's, below a root that tests replace

// Reads at most size - 1 bytes and ends them with 0; -1 and errno if it cannot be read.
long read_text(int root, const char *path, char *into, size_t size);
// As read_text, up to the first newline; "" if it cannot be read.
void read_line(int root, const char *path, char *into, size_t size);
// Null if it cannot be opened.
DIR *open_folder(int root, const char *path);
// A JSON string of printable ASCII, whatever the bytes are; newline and tab stay.
json_t *text_value(const char *bytes, size_t length);

// ---- port.c

// Looks for the device with the name PORT_NAME; its path is relative to the root.
bool find_port(int root, char *path, size_t size);

// ---- kernel_log.c: what the kernel complains of

enum { INCIDENT_COUNT = 64, INCIDENT_TEXT = 200 };

struct incident {
  const char *kind;
  char text[INCIDENT_TEXT];
  uint64_t first, last; // microseconds since boot
  uint64_t count;
};

struct kernel_log {
  int used;
  uint64_t more; // incidents that found no place
  uint64_t lost; // times that records were overwritten before they were read
  struct incident incidents[INCIDENT_COUNT];
};

// One record of /dev/kmsg.
void kernel_log_record(struct kernel_log *log, const char *record, size_t length);
// Reads all that is there.
void kernel_log_read(struct kernel_log *log, int kmsg);
json_t *kernel_log_answer(const struct kernel_log *log);

// ---- jobs.c: what the agent asks the runner for

enum job_kind { JOB_TCP = 1, JOB_FILE, JOB_COMMAND, JOB_FREEZE, JOB_THAW, JOB_PART, JOB_PROGRAM };
enum { JOB_TEXT = 16384, JOB_OUTPUT = 8192, JOB_ARGUMENTS = 64, JOBS_AT_ONCE = 16 };
enum { PROBE_LIMIT_MS = 60000, FREEZE_LIMIT_MS = 10000, PROGRAM_LIMIT = 2 << 20 };

// A packet: the strings follow one another in text, each ended by 0. In a JOB_PART text is the part of a program that
// begins at offset; one of a program of 0 bytes takes away what is there.
struct job_request {
  uint64_t number;
  uint32_t kind;
  uint32_t limit_ms;
  uint32_t port;
  uint32_t strings;
  uint32_t offset, total;
  uint32_t length;
  char text[JOB_TEXT];
};

enum job_outcome {
  JOB_PASSED = 1, // answered, readable, exited with 0, frozen, thawed, taken
  JOB_FAILED,     // code: the exit status, or errno
  JOB_SIGNALLED,  // code: the signal
  JOB_TIMED_OUT,
  JOB_REFUSED, // code: errno
};

struct job_result {
  uint64_t number;
  uint32_t outcome;
  int32_t code;
  uint32_t milliseconds;
  uint32_t length;
  char output[JOB_OUTPUT];
};

// Whether the runner can do it; both sides ask.
bool job_is_sound(const struct job_request *job, size_t bytes);
// The string with this index of a sound job.
const char *job_string(const struct job_request *job, uint32_t index);

// ---- runner.c

// Does jobs that come from the socket until that is closed, or until the agent ends.
int runner_run(int socket, int agent_process, int root, bool commands);

// ---- facts.c, quiescence.c

json_t *facts_answer(int root);
json_t *quiescence_answer(int root, const json_t *functions);

// ---- requests.c

struct job_slot {
  bool used;
  uint64_t number;
  json_int_t id;
  uint32_t kind;
};

struct agent {
  int root;
  int pid;
  bool commands; // whether the host may run programs
  uint64_t jobs_begun;
  struct job_slot jobs[JOBS_AT_ONCE];
  bool (*begin_job)(struct agent *agent, const struct job_request *job);
  int socket; // to the runner
  struct kernel_log log;
  struct lines in;
  struct queue out;
};

// Takes bytes of the host, whatever they are.
void agent_take(struct agent *agent, const char *bytes, size_t count);
// The host is gone: what it was about to have run goes too.
void agent_forget_program(struct agent *agent);
// Takes the end of a job.
void agent_job_done(struct agent *agent, const struct job_result *result);

// ---- confine.c

// Gives up for good what the agent does not need; -1 if that cannot be done.
int confine(void);

#endif
