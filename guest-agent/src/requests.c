#include "agent.h"

#include <string.h>

enum { MOST_FUNCTIONS = 64, LONGEST_FUNCTION = 128 };

static void answer(struct agent *agent, json_int_t id, const char *key, json_t *value) {
  json_t *message = json_pack("{s:I, s:o}", "id", id, key, value);
  queue_put(&agent->out, message);
  json_decref(message);
}

static void refuse(struct agent *agent, json_int_t id, const char *code, const char *text) {
  answer(agent, id, "error", json_pack("{s:s, s:s}", "code", code, "text", text));
}

// Not every wire tells that a host has gone: what the one before was about to have run goes now.
static void hello(struct agent *agent, json_int_t id, const json_t *request) {
  agent_forget_program(agent);
  const json_t *protocols = json_object_get(request, "protocols");
  size_t i;
  json_t *each;
  json_array_foreach(protocols, i, each) {
    if (json_integer_value(each) == AGENT_PROTOCOL) {
      json_t *able = json_pack("[s, s, s, s, s, s]", "facts", "freeze", "kernel-log", "nudge", "probe", "quiescence");
      if (agent->commands) {
        json_array_append_new(able, json_string("commands"));
        json_array_append_new(able, json_string("programs"));
      }
      answer(agent, id, "ok",
             json_pack("{s:i, s:s, s:i, s:i, s:o}", "protocol", AGENT_PROTOCOL, "agent", AGENT_VERSION, "pid",
                       agent->pid, "limit", LINE_LIMIT, "capabilities", able));
      return;
    }
  }
  refuse(agent, id, "protocol", "no protocol that is offered is known here");
}

static void quiescence(struct agent *agent, json_int_t id, const json_t *request) {
  const json_t *functions = json_object_get(request, "functions");
  size_t count = json_array_size(functions), i;
  json_t *each;
  if (!json_is_array(functions) || count > MOST_FUNCTIONS) {
    refuse(agent, id, "bad-request", "functions: an array of at most 64 names");
    return;
  }
  json_array_foreach(functions, i, each) {
    size_t length = json_string_length(each);
    if (!json_is_string(each) || length < 1 || length > LONGEST_FUNCTION) {
      refuse(agent, id, "bad-request", "functions: names of 1 to 128 characters");
      return;
    }
  }
  answer(agent, id, "ok", quiescence_answer(agent->root, functions));
}

static bool add_string(struct job_request *job, const json_t *value) {
  size_t length = json_string_length(value);
  if (!json_is_string(value) || length + 1 > JOB_TEXT - job->length || job->strings == JOB_ARGUMENTS) {
    return false;
  }
  memcpy(job->text + job->length, json_string_value(value), length + 1);
  job->length += (uint32_t)length + 1;
  job->strings++;
  return true;
}

static uint32_t number_of(const json_t *request, const char *key) {
  json_int_t value = json_integer_value(json_object_get(request, key));
  return value < 0 || value > UINT32_MAX ? 0 : (uint32_t)value;
}

static void begin(struct agent *agent, json_int_t id, struct job_request *job) {
  if (!job_is_sound(job, offsetof(struct job_request, text) + job->length)) {
    refuse(agent, id, "bad-request", "a value is missing or out of range");
    return;
  }
  for (int i = 0; i < JOBS_AT_ONCE; i++) {
    struct job_slot *slot = &agent->jobs[i];
    if (!slot->used) {
      job->number = ++agent->jobs_begun;
      if (agent->begin_job(agent, job)) {
        *slot = (struct job_slot){.used = true, .number = job->number, .id = id, .kind = job->kind};
      } else {
        refuse(agent, id, "busy", "the runner takes no job now");
      }
      return;
    }
  }
  refuse(agent, id, "busy", "16 jobs are under way");
}

static bool may_run(struct agent *agent, json_int_t id) {
  if (!agent->commands) {
    refuse(agent, id, "forbidden", "this agent runs no programs for the host");
  }
  return agent->commands;
}

static bool add_words(struct job_request *job, const json_t *words) {
  bool sound = json_array_size(words) > 0;
  size_t i;
  json_t *each;
  json_array_foreach(words, i, each) { sound = sound && add_string(job, each); }
  return sound;
}

static void probe(struct agent *agent, json_int_t id, const json_t *request) {
  struct job_request job = {.limit_ms = number_of(request, "limit"), .port = number_of(request, "port")};
  const char *kind = json_string_value(json_object_get(request, "kind"));
  bool sound = false;
  if (kind && strcmp(kind, "tcp") == 0) {
    job.kind = JOB_TCP;
    sound = add_string(&job, json_object_get(request, "address"));
  } else if (kind && strcmp(kind, "file") == 0) {
    job.kind = JOB_FILE;
    sound = add_string(&job, json_object_get(request, "path"));
  } else if (kind && (strcmp(kind, "command") == 0 || strcmp(kind, "program") == 0)) {
    if (!may_run(agent, id)) {
      return;
    }
    job.kind = kind[0] == 'c' ? JOB_COMMAND : JOB_PROGRAM;
    sound = add_words(&job, json_object_get(request, "words"));
  }
  if (!sound) {
    job.kind = 0;
  }
  begin(agent, id, &job);
}

static int digit64(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

// Base64 with its padding; false if it is none or has no room.
static bool add_bytes(struct job_request *job, const json_t *value) {
  const char *text = json_string_value(value);
  size_t length = json_string_length(value);
  if (!json_is_string(value) || length % 4 != 0 || length / 4 * 3 > JOB_TEXT + 2) {
    return false;
  }
  for (size_t at = 0; at < length; at += 4) {
    size_t pads = at + 4 < length ? 0 : (size_t)(text[at + 3] == '=') + (text[at + 2] == '=' && text[at + 3] == '=');
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
      int digit = i + pads < 4 ? digit64(text[at + i]) : 0;
      if (digit < 0) {
        return false;
      }
      bits = bits << 6 | (uint32_t)digit;
    }
    for (size_t i = 0; i + pads < 3; i++) {
      if (job->length == JOB_TEXT) {
        return false;
      }
      job->text[job->length++] = (char)(bits >> (16 - 8 * i));
    }
  }
  return true;
}

static void part(struct agent *agent, json_int_t id, const json_t *request) {
  struct job_request job = {
      .kind = JOB_PART, .offset = number_of(request, "offset"), .total = number_of(request, "total")};
  if (!may_run(agent, id)) {
    return;
  }
  if (!add_bytes(&job, json_object_get(request, "bytes"))) {
    job.kind = 0;
  }
  begin(agent, id, &job);
}

void agent_forget_program(struct agent *agent) {
  const struct job_request nothing = {.kind = JOB_PART};
  agent->begin_job(agent, &nothing); // nobody waits for what comes of it
}

static void cgroup(struct agent *agent, json_int_t id, const json_t *request, uint32_t kind) {
  struct job_request job = {.kind = kind, .limit_ms = kind == JOB_THAW ? 1 : number_of(request, "limit")};
  if (!add_string(&job, json_object_get(request, "cgroup"))) {
    job.kind = 0;
  }
  begin(agent, id, &job);
}

static void serve(struct agent *agent, json_int_t id, const json_t *request) {
  const char *what = json_string_value(json_object_get(request, "do"));
  if (!what) {
    refuse(agent, id, "bad-request", "do: a word");
  } else if (strcmp(what, "hello") == 0) {
    hello(agent, id, request);
  } else if (strcmp(what, "ping") == 0) {
    answer(agent, id, "ok", json_object());
  } else if (strcmp(what, "nudge") == 0) {
    // Taking the request was the nudge: the agent left a system call for it.
    answer(agent, id, "ok", json_pack("{s:i}", "pid", agent->pid));
  } else if (strcmp(what, "facts") == 0) {
    answer(agent, id, "ok", facts_answer(agent->root));
  } else if (strcmp(what, "quiescence") == 0) {
    quiescence(agent, id, request);
  } else if (strcmp(what, "kernel-log") == 0) {
    answer(agent, id, "ok", kernel_log_answer(&agent->log));
  } else if (strcmp(what, "probe") == 0) {
    probe(agent, id, request);
  } else if (strcmp(what, "program") == 0) {
    part(agent, id, request);
  } else if (strcmp(what, "freeze") == 0) {
    cgroup(agent, id, request, JOB_FREEZE);
  } else if (strcmp(what, "thaw") == 0) {
    cgroup(agent, id, request, JOB_THAW);
  } else {
    refuse(agent, id, "unknown", "no such request");
  }
}

static void take(void *context, const char *line, size_t length) {
  struct agent *agent = context;
  if (length == 0) {
    return; // ends what another host may have left half said
  }
  json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
  json_int_t id = json_integer_value(json_object_get(request, "id"));
  if (!request) {
    refuse(agent, 0, "not-json", "a line that is no JSON object");
  } else if (id < 1 || id > ID_LIMIT) {
    refuse(agent, 0, "bad-request", "id: a whole number from 1 to 2^53");
  } else {
    serve(agent, id, request);
  }
  json_decref(request);
}

static void too_long(void *context, const char *line, size_t length) {
  (void)line;
  (void)length;
  refuse(context, 0, "too-long", "a line of more than 65536 bytes");
}

void agent_take(struct agent *agent, const char *bytes, size_t count) {
  lines_feed(&agent->in, bytes, count, take, too_long, agent);
}

static bool is_program(uint32_t kind) { return kind == JOB_COMMAND || kind == JOB_PROGRAM; }

static const char *outcome_of(const struct job_slot *slot, const struct job_result *result) {
  switch (result->outcome) {
    case JOB_PASSED:
      return is_program(slot->kind) ? "exited" : "passed";
    case JOB_FAILED:
      return is_program(slot->kind) ? "exited" : "failed";
    case JOB_SIGNALLED:
      return "signalled";
    case JOB_TIMED_OUT:
      return "timed-out";
    default:
      return "refused";
  }
}

void agent_job_done(struct agent *agent, const struct job_result *result) {
  for (int i = 0; i < JOBS_AT_ONCE; i++) {
    struct job_slot *slot = &agent->jobs[i];
    if (slot->used && slot->number == result->number) {
      answer(agent, slot->id, "ok",
             json_pack("{s:b, s:s, s:i, s:I, s:o}", "passed", result->outcome == JOB_PASSED, "outcome",
                       outcome_of(slot, result), "code", result->code, "milliseconds",
                       (json_int_t)result->milliseconds, "output",
                       text_value(result->output, result->length <= JOB_OUTPUT ? result->length : 0)));
      slot->used = false;
      return;
    }
  }
}
