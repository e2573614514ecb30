#include "agent.h"

#include <string.h>

void lines_feed(struct lines *lines, const char *bytes, size_t count, line_taker *take, line_taker *too_long,
                void *context) {
  while (count > 0) {
    const char *newline = memchr(bytes, '\n', count);
    size_t part = newline ? (size_t)(newline - bytes) : count;
    if (!lines->skipping) {
      size_t room = sizeof lines->data - 1 - lines->used;
      if (part > room) {
        lines->skipping = true;
        too_long(context, lines->data, lines->used);
        lines->used = 0;
      } else {
        memcpy(lines->data + lines->used, bytes, part);
        lines->used += part;
      }
    }
    if (!newline) {
      return;
    }
    if (!lines->skipping) {
      take(context, lines->data, lines->used);
    }
    lines_forget(lines);
    bytes += part + 1;
    count -= part + 1;
  }
}

void lines_forget(struct lines *lines) {
  lines->used = 0;
  lines->skipping = false;
}

bool queue_put(struct queue *queue, const json_t *message) {
  size_t room = sizeof queue->data - queue->used;
  if (room > LINE_LIMIT) {
    room = LINE_LIMIT;
  }
  size_t length = room > 1 ? json_dumpb(message, queue->data + queue->used, room - 1, JSON_COMPACT | JSON_ENSURE_ASCII) : 0;
  if (length == 0 || length > room - 1) {
    queue->dropped++;
    return false;
  }
  queue->used += length;
  queue->data[queue->used++] = '\n';
  return true;
}

void queue_sent(struct queue *queue, size_t count) {
  queue->used -= count;
  memmove(queue->data, queue->data + count, queue->used);
}

bool queue_is_busy(const struct queue *queue) { return queue->used > sizeof queue->data / 2; }
