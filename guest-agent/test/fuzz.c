// fuzz FRAMES SECONDS [SEED]: gives the agent's parsers bytes of every kind, made from the golden requests, and checks
// what comes out: whole lines of JSON within the limit, jobs that the runner may do, no memory that grows. Sanitizers
// see the rest. The seed is printed: the same one does the same again.
#include "agent.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t state;

static uint64_t any(uint64_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state % below;
}

static void require(bool holds, const char *what) {
  if (!holds) {
    fprintf(stderr, "fuzz: not so: %s\n", what);
    abort();
  }
}

static char seeds[65536];
static size_t seed_bytes;
static char input[3 * LINE_LIMIT];
static unsigned long lines_out, jobs_done;

static bool begin_job(struct agent *agent, const struct job_request *job) {
  (void)agent;
  require(job_is_sound(job, offsetof(struct job_request, text) + job->length), "jobs are sound");
  for (uint32_t i = 0; i < job->strings; i++) {
    const char *string = job_string(job, i);
    require(string >= job->text && string + strlen(string) < job->text + job->length, "strings lie in the job");
  }
  jobs_done++;
  return any(8) != 0;
}

static size_t make_input(void) {
  size_t used = 0;
  size_t pieces = 1 + any(6);
  for (size_t piece = 0; piece < pieces; piece++) {
    size_t from = any(seed_bytes), length = 1 + any(any(4) ? 300 : 4000);
    if (length > seed_bytes - from) {
      length = seed_bytes - from;
    }
    if (any(40) == 0) { // longer than a line may be
      length = LINE_LIMIT - 10 + any(20);
      memset(input + used, any(2) ? '[' : 'a', length);
    } else {
      memcpy(input + used, seeds + from, length);
    }
    for (uint64_t changes = any(12); changes > 0; changes--) {
      const char *const tokens[] = {"\"id\":", "[[[[", "{\"a\":", "1e999", "-1", "\\u0000", "9007199254740993", "\"do\":", "\n", "\xff\xfe"};
      const char *token = tokens[any(sizeof tokens / sizeof tokens[0])];
      size_t at = used + any(length);
      if (any(2)) {
        input[at] = (char)any(256);
      } else if (at + strlen(token) < used + length) {
        memcpy(input + at, token, strlen(token));
      }
    }
    used += length;
    if (used > sizeof input - LINE_LIMIT - 4096) {
      break;
    }
  }
  return used;
}

static void check_output(struct agent *agent) {
  require(agent->out.used <= sizeof agent->out.data, "the queue keeps its size");
  size_t at = 0;
  while (at < agent->out.used) {
    char *newline = memchr(agent->out.data + at, '\n', agent->out.used - at);
    require(newline != NULL, "lines are whole");
    size_t length = (size_t)(newline - agent->out.data) - at;
    require(length < LINE_LIMIT, "lines keep within the limit");
    json_t *message = json_loadb(agent->out.data + at, length, JSON_REJECT_DUPLICATES, NULL);
    require(json_is_integer(json_object_get(message, "id")), "answers have a number");
    require(!json_object_get(message, "ok") != !json_object_get(message, "error"), "answers are good or bad");
    json_decref(message);
    at += length + 1;
    lines_out++;
  }
  queue_sent(&agent->out, agent->out.used);
}

static void finish_jobs(struct agent *agent) {
  static struct job_result result;
  for (int i = 0; i < JOBS_AT_ONCE; i++) {
    if (agent->jobs[i].used && any(3)) {
      result.number = any(10) ? agent->jobs[i].number : any(1000);
      result.outcome = (uint32_t)any(8);
      result.code = (int32_t)any(256);
      result.length = (uint32_t)any(JOB_OUTPUT + 2);
      for (uint32_t at = 0; at < result.length && at < JOB_OUTPUT; at++) {
        result.output[at] = (char)any(256);
      }
      agent_job_done(agent, &result);
    }
  }
}

static void parsers_alone(struct agent *agent, size_t length) {
  static struct job_request job;
  size_t record = length < 1200 ? length : 1200;
  kernel_log_record(&agent->log, input, record);
  if (agent->log.used == INCIDENT_COUNT && any(100) == 0) {
    memset(&agent->log, 0, sizeof agent->log);
  }
  memcpy(&job, input, length < sizeof job ? length : sizeof job);
  job.length = (uint32_t)any(any(2) ? JOB_TEXT : 64);
  job.strings = (uint32_t)any(4);
  job.kind = (uint32_t)any(7);
  job_is_sound(&job, offsetof(struct job_request, text) + job.length);
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fputs("usage: fuzz FRAMES SECONDS [SEED]\n", stderr);
    return 2;
  }
  char root[1024];
  snprintf(root, sizeof root, "%s/root", argv[1]);
  int frames = open(argv[1], O_RDONLY | O_DIRECTORY);
  long got = read_text(frames, "requests", seeds, sizeof seeds);
  require(got > 0, "there are golden requests");
  seed_bytes = (size_t)got;
  time_t ends = time(NULL) + atol(argv[2]);
  state = argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
  state += state == 0;
  printf("fuzz: seed %llu\n", (unsigned long long)state);
  static struct agent agent;
  agent.root = open(root, O_RDONLY | O_DIRECTORY);
  agent.begin_job = begin_job;
  agent.commands = true;
  unsigned long rounds = 0;
  do {
    size_t length = make_input();
    for (size_t at = 0; at < length;) {
      size_t part = 1 + any(any(3) ? 5000 : 40);
      part = part < length - at ? part : length - at;
      agent_take(&agent, input + at, part);
      at += part;
      if (queue_is_busy(&agent.out) || any(2)) {
        finish_jobs(&agent);
        check_output(&agent);
      }
    }
    parsers_alone(&agent, length);
    rounds++;
  } while (rounds % 64 != 0 || time(NULL) < ends);
  printf("fuzz: %lu rounds, %lu answers, %lu jobs, nothing found\n", rounds, lines_out, jobs_done);
  return 0;
}
