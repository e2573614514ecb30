#include "agent.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_NAMES = 64, MOST_LINES = 1000000 };

static json_t *line_value(int root, const char *path) {
  char line[256];
  read_line(root, path, line, sizeof line);
  return text_value(line, strlen(line));
}

static json_t *names_in(int root, const char *path) {
  json_t *names = json_array();
  DIR *entries = open_folder(root, path);
  struct dirent *entry;
  while (entries && (entry = readdir(entries)) && json_array_size(names) < MOST_NAMES) {
    if (entry->d_name[0] != '.') {
      json_array_append_new(names, text_value(entry->d_name, strlen(entry->d_name)));
    }
  }
  if (entries) {
    closedir(entries);
  }
  return names;
}

// -1 if the file cannot be read.
static json_int_t lines_in(int root, const char *path) {
  int file = openat(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    return -1;
  }
  char part[8192];
  json_int_t lines = 0;
  ssize_t got;
  while (lines < MOST_LINES && (got = read(file, part, sizeof part)) > 0) {
    for (ssize_t i = 0; i < got; i++) {
      lines += part[i] == '\n';
    }
  }
  close(file);
  return lines;
}

// The word that "[none] integrity confidentiality" has in brackets; "" if there is no such file.
static json_t *chosen_word(int root, const char *path) {
  char line[256];
  read_line(root, path, line, sizeof line);
  char *from = strchr(line, '[');
  size_t length = from ? strcspn(from + 1, "]") : 0;
  return from ? text_value(from + 1, length) : json_string("");
}

// Four bytes of attributes precede the one that tells.
static const char *secure_boot(int root) {
  char bytes[8];
  long length =
      read_text(root, "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", bytes, sizeof bytes);
  return length < 5 ? "unknown" : bytes[4] == 1 ? "on" : "off";
}

json_t *facts_answer(int root) {
  char taint[32];
  read_line(root, "proc/sys/kernel/tainted", taint, sizeof taint);
  return json_pack("{s:o, s:o, s:I, s:o, s:o, s:I, s:I, s:o, s:s}", "bootId",
                   line_value(root, "proc/sys/kernel/random/boot_id"), "release",
                   line_value(root, "proc/sys/kernel/osrelease"), "tainted", (json_int_t)strtoll(taint, NULL, 10),
                   "livepatches", names_in(root, "sys/kernel/livepatch"), "tracer",
                   line_value(root, "sys/kernel/tracing/current_tracer"), "tracedFunctions",
                   lines_in(root, "sys/kernel/tracing/enabled_functions"), "kprobes",
                   lines_in(root, "sys/kernel/debug/kprobes/list"), "lockdown",
                   chosen_word(root, "sys/kernel/security/lockdown"), "secureBoot", secure_boot(root));
}
