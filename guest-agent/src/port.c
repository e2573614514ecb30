// Where the host's end of the wire comes out: at a virtio-serial port, or at a channel of Xen's, which is a console
// whose name is in XenStore.
#include "agent.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// struct xsd_sockmsg of Xen's public/io/xs_wire.h; that many bytes of text follow.
struct store_message {
  uint32_t type, request, transaction, length;
};

enum { STORE_READ = 2, STORE_WAIT_MS = 2000 };

static bool find_virtio_port(int root, char *path, size_t size) {
  DIR *ports = open_folder(root, "sys/class/virtio-ports");
  struct dirent *entry;
  bool found = false;
  while (ports && !found && (entry = readdir(ports))) {
    char file[320], name[64];
    snprintf(file, sizeof file, "sys/class/virtio-ports/%s/name", entry->d_name);
    read_line(root, file, name, sizeof name);
    found = strcmp(name, PORT_NAME) == 0;
    if (found) {
      snprintf(path, size, "dev/%s", entry->d_name);
    }
  }
  if (ports) {
    closedir(ports);
  }
  return found;
}

static bool store_receive(int store, void *into, size_t size) {
  for (size_t used = 0; used < size;) {
    struct pollfd ready = {.fd = store, .events = POLLIN};
    ssize_t got = poll(&ready, 1, STORE_WAIT_MS) > 0 ? read(store, (char *)into + used, size - used) : 0;
    if (got <= 0) {
      return false;
    }
    used += (size_t)got;
  }
  return true;
}

// The value at a path that is relative to this guest's own; false if there is none or it is longer.
static bool store_read(int root, const char *path, char *into, size_t size) {
  struct {
    struct store_message head;
    char path[64];
  } question = {.head = {.type = STORE_READ, .length = (uint32_t)strlen(path) + 1}};
  struct store_message answer;
  if (question.head.length > sizeof question.path) {
    return false;
  }
  memcpy(question.path, path, question.head.length);
  ssize_t length = (ssize_t)(sizeof question.head + question.head.length);
  int store = openat(root, "dev/xen/xenbus", O_RDWR | O_CLOEXEC | O_NOCTTY);
  bool answered = store >= 0 && write(store, &question, (size_t)length) == length &&
                  store_receive(store, &answer, sizeof answer) && answer.length < size &&
                  store_receive(store, into, answer.length) && answer.type == STORE_READ;
  if (answered) {
    into[answer.length] = 0;
  }
  if (store >= 0) {
    close(store);
  }
  return answered;
}

// Linux numbers the consoles as their devices are: the first is the guest's own, channels follow.
static bool find_xen_channel(int root, char *path, size_t size) {
  DIR *devices = open_folder(root, "sys/bus/xen/devices");
  struct dirent *entry;
  bool found = false;
  while (devices && !found && (entry = readdir(devices))) {
    unsigned number;
    char more, key[64], name[64];
    if (sscanf(entry->d_name, "console-%u%c", &number, &more) == 1) {
      snprintf(key, sizeof key, "device/console/%u/name", number);
      found = store_read(root, key, name, sizeof name) && strcmp(name, PORT_NAME) == 0;
      snprintf(path, size, "dev/hvc%u", number);
    }
  }
  if (devices) {
    closedir(devices);
  }
  return found;
}

bool find_port(int root, char *path, size_t size) {
  return find_virtio_port(root, path, size) || find_xen_channel(root, path, size);
}
