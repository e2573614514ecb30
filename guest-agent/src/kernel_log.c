#include "agent.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The first that a line contains (^: begins with) names its kind: the more serious ones stand first.
static const struct {
  const char *words, *kind;
} KINDS[] = {
    {"^Kernel panic", "panic"},
    {"Oops: ", "oops"},
    {"Oops[#", "oops"},
    {"BUG: unable to handle", "oops"},
    {"BUG: kernel NULL pointer", "oops"},
    {"general protection fault", "oops"},
    {"soft lockup", "lockup"},
    {"hard LOCKUP", "lockup"},
    {"Hard LOCKUP", "lockup"},
    {"blocked for more than", "hung-task"},
    {"detected stalls on", "stall"},
    {"self-detected stall", "stall"},
    {"detected expedited stalls", "stall"},
    {"kernel BUG at", "bug"},
    {"^BUG: ", "bug"},
    {"^WARNING: ", "warning"},
};

static const char *kind_of(const char *text) {
  for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
    const char *words = KINDS[i].words;
    bool found = *words == '^' ? strncmp(text, words + 1, strlen(words) - 1) == 0 : strstr(text, words) != NULL;
    if (found) {
      return KINDS[i].kind;
    }
  }
  return NULL;
}

// Behind a number: digits, or so many hexadecimal ones that it is an address.
static const char *past_number(const char *text) {
  size_t length = strspn(text, "0123456789abcdef");
  return isdigit((unsigned char)*text) || length >= 8 ? text + length : text;
}

// Whether two texts differ in numbers at most: the same complaint again.
static bool is_same(const char *a, const char *b) {
  for (;; a++, b++) {
    a = past_number(a);
    b = past_number(b);
    if (*a != *b) {
      return false;
    }
    if (!*a) {
      return true;
    }
  }
}

static void add(struct kernel_log *log, const char *kind, const char *text, uint64_t at) {
  for (int i = 0; i < log->used; i++) {
    struct incident *known = &log->incidents[i];
    if (known->kind == kind && is_same(known->text, text)) {
      known->last = at;
      known->count++;
      return;
    }
  }
  if (log->used == INCIDENT_COUNT) {
    log->more++;
    return;
  }
  struct incident *fresh = &log->incidents[log->used++];
  *fresh = (struct incident){.kind = kind, .first = at, .last = at, .count = 1};
  strncpy(fresh->text, text, sizeof fresh->text - 1);
}

void kernel_log_record(struct kernel_log *log, const char *record, size_t length) {
  // "priority,sequence,microseconds,flags;text\n continued"
  char line[1024];
  if (length >= sizeof line) {
    length = sizeof line - 1;
  }
  memcpy(line, record, length);
  line[length] = 0;
  line[strcspn(line, "\n")] = 0;
  char *text = strchr(line, ';');
  char *end;
  if (!text) {
    return;
  }
  *text++ = 0;
  unsigned long priority = strtoul(line, &end, 10);
  if (end == line || *end != ',' || priority >> 3 != 0) {
    return; // not the kernel's own: any program may write here
  }
  char *sequence = end + 1;
  strtoull(sequence, &end, 10);
  if (end == sequence || *end != ',') {
    return;
  }
  uint64_t at = strtoull(end + 1, NULL, 10);
  if (strlen(text) >= INCIDENT_TEXT) {
    text[INCIDENT_TEXT - 1] = 0;
  }
  const char *kind = kind_of(text);
  if (kind) {
    add(log, kind, text, at);
  }
}

void kernel_log_read(struct kernel_log *log, int kmsg) {
  char record[8192];
  // More than a ring holds in one go would mean that somebody floods it: the host is to be served too.
  for (int i = 0; i < 100000; i++) {
    ssize_t got = read(kmsg, record, sizeof record);
    if (got > 0) {
      kernel_log_record(log, record, (size_t)got);
    } else if (got < 0 && errno == EPIPE) {
      log->lost++;
    } else if (!(got < 0 && errno == EINTR)) {
      return;
    }
  }
}

json_t *kernel_log_answer(const struct kernel_log *log) {
  json_t *incidents = json_array();
  for (int i = 0; i < log->used; i++) {
    const struct incident *each = &log->incidents[i];
    json_array_append_new(
        incidents, json_pack("{s:s, s:o, s:I, s:I, s:I}", "kind", each->kind, "text",
                             text_value(each->text, strlen(each->text)), "first", (json_int_t)each->first, "last",
                             (json_int_t)each->last, "count", (json_int_t)each->count));
  }
  return json_pack("{s:o, s:I, s:I}", "incidents", incidents, "more", (json_int_t)log->more, "lost",
                   (json_int_t)log->lost);
}
