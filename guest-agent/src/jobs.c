#include "agent.h"

#include <string.h>

static bool is_name_of_cgroup(const char *name) {
  if (!*name || *name == '/' || strstr(name, "..") || strstr(name, "//") || strlen(name) > 200) {
    return false;
  }
  for (const char *c = name; *c; c++) {
    if (*c < '!' || *c > '~') {
      return false;
    }
  }
  return true;
}

static bool is_part(const struct job_request *job) {
  return job->strings == 0 && job->total <= PROGRAM_LIMIT && job->offset <= job->total &&
         job->length <= job->total - job->offset && (job->length > 0) == (job->total > 0);
}

bool job_is_sound(const struct job_request *job, size_t bytes) {
  size_t head = offsetof(struct job_request, text);
  if (bytes < head || job->length > JOB_TEXT || bytes != head + job->length) {
    return false;
  }
  if (job->kind == JOB_PART) {
    return is_part(job);
  }
  if (job->strings < 1 || job->strings > JOB_ARGUMENTS || job->length < 1 || job->text[job->length - 1] != 0) {
    return false;
  }
  uint32_t ends = 0;
  for (uint32_t i = 0; i < job->length; i++) {
    ends += job->text[i] == 0;
  }
  if (ends != job->strings || job->limit_ms < 1) {
    return false;
  }
  switch (job->kind) {
    case JOB_TCP:
      return job->strings == 1 && job->port >= 1 && job->port <= 65535 && job->limit_ms <= PROBE_LIMIT_MS;
    case JOB_FILE:
      return job->strings == 1 && job->text[0] == '/' && job->limit_ms <= PROBE_LIMIT_MS;
    case JOB_COMMAND:
      return job->text[0] == '/' && job->limit_ms <= PROBE_LIMIT_MS;
    case JOB_PROGRAM:
      return job->limit_ms <= PROBE_LIMIT_MS;
    case JOB_FREEZE:
    case JOB_THAW:
      return job->strings == 1 && is_name_of_cgroup(job->text) && job->limit_ms <= FREEZE_LIMIT_MS;
    default:
      return false;
  }
}

const char *job_string(const struct job_request *job, uint32_t index) {
  const char *at = job->text;
  for (uint32_t i = 0; i < index; i++) {
    at += strlen(at) + 1;
  }
  return at;
}
