#include "agent.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TASKS = 65536, MOST_INSIDE = 128, MOST_FRAMES = 24, MOST_BYTES = LINE_LIMIT - 8192 };
// PF_KTHREAD of include/linux/sched.h
#define KERNEL_THREAD 0x00200000UL

struct survey {
  int root;
  const json_t *functions;
  json_t *inside;
  size_t bytes;
  json_int_t tasks, kernel_threads, uninterruptible, unreadable, found;
};

struct task {
  long pid, tid;
  char comm[32];
  char state;
  bool kernel_thread;
};

static bool parse_stat(char *stat, struct task *task) {
  char *open = strchr(stat, '(');
  char *close = strrchr(stat, ')');
  unsigned long flags;
  if (!open || !close || close < open || sscanf(close + 1, " %c %*s %*s %*s %*s %*s %lu", &task->state, &flags) != 2) {
    return false;
  }
  *close = 0;
  snprintf(task->comm, sizeof task->comm, "%s", open + 1);
  task->kernel_thread = flags & KERNEL_THREAD;
  return true;
}

// The symbol of a line like "[<0>] do_sys_poll+0x4f/0x5e0 [module]"; its length, 0 if there is none.
static size_t symbol_of(const char *line, const char **symbol) {
  const char *bracket = strstr(line, "] ");
  const char *from = bracket ? bracket + 2 : line;
  *symbol = from;
  return strcspn(from, "+ \n");
}

static const char *named(const json_t *functions, const char *symbol, size_t length) {
  size_t i;
  json_t *each;
  json_array_foreach(functions, i, each) {
    const char *name = json_string_value(each);
    if (json_string_length(each) == length && memcmp(name, symbol, length) == 0) {
      return name;
    }
  }
  return NULL;
}

static json_int_t switches_of(int root, const char *folder) {
  char path[80], status[4096];
  snprintf(path, sizeof path, "%s/status", folder);
  if (read_text(root, path, status, sizeof status) < 0) {
    return -1;
  }
  json_int_t sum = 0;
  const char *const keys[] = {"\nvoluntary_ctxt_switches:", "\nnonvoluntary_ctxt_switches:"};
  for (size_t i = 0; i < 2; i++) {
    const char *at = strstr(status, keys[i]);
    if (!at) {
      return -1;
    }
    sum += strtoll(at + strlen(keys[i]), NULL, 10);
  }
  return sum;
}

static void add(struct survey *survey, const struct task *task, const char *folder, const char *function, char *stack) {
  survey->found++;
  if (json_array_size(survey->inside) >= MOST_INSIDE || survey->bytes > MOST_BYTES) {
    return;
  }
  json_t *frames = json_array();
  char *rest = stack;
  for (char *line = strsep(&rest, "\n"); line && json_array_size(frames) < MOST_FRAMES; line = strsep(&rest, "\n")) {
    const char *symbol;
    symbol_of(line, &symbol);
    size_t length = strnlen(symbol, 160);
    if (length > 0) {
      json_array_append_new(frames, text_value(symbol, length));
      survey->bytes += length + 3;
    }
  }
  char path[80], waits[128];
  snprintf(path, sizeof path, "%s/wchan", folder);
  read_line(survey->root, path, waits, sizeof waits);
  survey->bytes += 256 + strlen(waits);
  json_array_append_new(
      survey->inside,
      json_pack("{s:I, s:I, s:o, s:o, s:b, s:s, s:o, s:I, s:o}", "pid", (json_int_t)task->pid, "tid",
                (json_int_t)task->tid, "comm", text_value(task->comm, strlen(task->comm)), "state",
                text_value(&task->state, 1), "kernelThread", task->kernel_thread, "function", function, "waitsIn",
                text_value(waits, strlen(waits)), "switches", switches_of(survey->root, folder), "stack", frames));
}

static void look_at(struct survey *survey, struct task *task) {
  char folder[64], path[80], text[8192];
  snprintf(folder, sizeof folder, "proc/%ld/task/%ld", task->pid, task->tid);
  snprintf(path, sizeof path, "%s/stat", folder);
  if (read_text(survey->root, path, text, 1024) < 0 || !parse_stat(text, task)) {
    return; // it ended meanwhile
  }
  survey->tasks++;
  survey->kernel_threads += task->kernel_thread;
  survey->uninterruptible += task->state == 'D';
  snprintf(path, sizeof path, "%s/stack", folder);
  if (read_text(survey->root, path, text, sizeof text) < 0) {
    survey->unreadable++;
    return;
  }
  for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
    const char *symbol;
    size_t length = symbol_of(line, &symbol);
    const char *function = named(survey->functions, symbol, length);
    if (function) {
      add(survey, task, folder, function, text);
      return;
    }
  }
}

static void look_at_process(struct survey *survey, long pid) {
  char path[48];
  snprintf(path, sizeof path, "proc/%ld/task", pid);
  DIR *threads = open_folder(survey->root, path);
  if (!threads) {
    return;
  }
  struct dirent *entry;
  while ((entry = readdir(threads)) && survey->tasks < MOST_TASKS) {
    if (isdigit((unsigned char)entry->d_name[0])) {
      struct task task = {.pid = pid, .tid = strtol(entry->d_name, NULL, 10)};
      look_at(survey, &task);
    }
  }
  closedir(threads);
}

json_t *quiescence_answer(int root, const json_t *functions) {
  struct survey survey = {.root = root, .functions = functions, .inside = json_array()};
  DIR *processes = open_folder(root, "proc");
  struct dirent *entry;
  while (processes && (entry = readdir(processes)) && survey.tasks < MOST_TASKS) {
    if (isdigit((unsigned char)entry->d_name[0])) {
      look_at_process(&survey, strtol(entry->d_name, NULL, 10));
    }
  }
  if (processes) {
    closedir(processes);
  }
  return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "tasks", survey.tasks, "kernelThreads", survey.kernel_threads,
                   "uninterruptible", survey.uninterruptible, "unreadable", survey.unreadable, "found", survey.found,
                   "inside", survey.inside);
}
