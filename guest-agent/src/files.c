#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

long read_text(int root, const char *path, char *into, size_t size) {
  int file = openat(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) {
    into[0] = 0;
    return -1;
  }
  size_t used = 0;
  ssize_t got = 1;
  while (used < size - 1 && got > 0) {
    got = read(file, into + used, size - 1 - used);
    if (got > 0) {
      used += (size_t)got;
    }
  }
  int error = errno;
  close(file);
  into[used] = 0;
  errno = error;
  return got < 0 && used == 0 ? -1 : (long)used;
}

void read_line(int root, const char *path, char *into, size_t size) {
  read_text(root, path, into, size);
  into[strcspn(into, "\n")] = 0;
}

DIR *open_folder(int root, const char *path) {
  int folder = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *entries = folder < 0 ? NULL : fdopendir(folder);
  if (!entries && folder >= 0) {
    close(folder);
  }
  return entries;
}

json_t *text_value(const char *bytes, size_t length) {
  char clean[JOB_OUTPUT];
  if (length > sizeof clean) {
    length = sizeof clean;
  }
  for (size_t i = 0; i < length; i++) {
    char c = bytes[i];
    clean[i] = (c >= ' ' && c <= '~') || c == '\n' || c == '\t' ? c : '?';
  }
  return json_stringn_nocheck(clean, length);
}
