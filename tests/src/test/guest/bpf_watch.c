// bpf_watch attach fentry|fexit FUNCTION: a BPF program that counts calls of a kernel function; it stays until
// bpf_watch detach FUNCTION. bpf_watch count FUNCTION prints how many there were. Needs nothing but bpf(2): the program is assembled here,
// the function's number is looked up in /sys/kernel/btf/vmlinux, program and counter stay as files below /sys/fs/bpf.
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char log_buffer[16384];

static int must(long result, const char *what) {
  if (result < 0) {
    fprintf(stderr, "%s: %s\n%s", what, strerror(errno), log_buffer);
    exit(1);
  }
  return (int)result;
}

static long bpf(int command, union bpf_attr *attributes) {
  return syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

static size_t entry_size(const struct btf_type *type) {
  size_t count = BTF_INFO_VLEN(type->info);
  switch (BTF_INFO_KIND(type->info)) {
    case BTF_KIND_INT: case BTF_KIND_VAR: case 17 /* DECL_TAG */: return 4;
    case BTF_KIND_ARRAY: return sizeof(struct btf_array);
    case BTF_KIND_STRUCT: case BTF_KIND_UNION: return count * sizeof(struct btf_member);
    case BTF_KIND_ENUM: return count * sizeof(struct btf_enum);
    case 19 /* ENUM64 */: return count * 12;
    case BTF_KIND_FUNC_PROTO: return count * sizeof(struct btf_param);
    case BTF_KIND_DATASEC: return count * sizeof(struct btf_var_secinfo);
    default: return 0;
  }
}

static int number_of(const char *function) {
  int fd = must(open("/sys/kernel/btf/vmlinux", O_RDONLY), "vmlinux types");
  struct stat size;
  must(fstat(fd, &size), "vmlinux types");
  char *data = malloc(size.st_size);
  for (off_t at = 0; at < size.st_size;) {
    ssize_t got = read(fd, data + at, size.st_size - at);
    if (got <= 0) break;
    at += got;
  }
  close(fd);
  struct btf_header *header = (struct btf_header *)data;
  char *types = data + header->hdr_len + header->type_off, *strings = data + header->hdr_len + header->str_off;
  int number = 1;
  for (uint32_t at = 0; at < header->type_len; number++) {
    const struct btf_type *type = (const struct btf_type *)(types + at);
    if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC && strcmp(strings + type->name_off, function) == 0) return number;
    at += sizeof *type + entry_size(type);
  }
  fprintf(stderr, "no function %s\n", function);
  exit(1);
}

static void pin(int fd, const char *function, const char *what) {
  char path[256];
  snprintf(path, sizeof path, "/sys/fs/bpf/%s_%s", function, what);
  union bpf_attr attributes = {.pathname = (uintptr_t)path, .bpf_fd = fd};
  must(bpf(BPF_OBJ_PIN, &attributes), path);
}

static void attach(const char *kind, const char *function) {
  union bpf_attr of_map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1};
  int map = must(bpf(BPF_MAP_CREATE, &of_map), "map");
  struct bpf_insn code[] = {
      {.code = BPF_ST | BPF_W | BPF_MEM, .dst_reg = 10, .off = -4, .imm = 0},
      {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
      {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4},
      {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map},
      {0},
      {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
      {.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .imm = 0, .off = 2},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 1},
      {.code = BPF_STX | BPF_DW | BPF_ATOMIC, .dst_reg = 0, .src_reg = 1, .imm = BPF_ADD},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT},
  };
  union bpf_attr of_program = {.prog_type = BPF_PROG_TYPE_TRACING,
                               .expected_attach_type = strcmp(kind, "fexit") ? BPF_TRACE_FENTRY : BPF_TRACE_FEXIT,
                               .attach_btf_id = number_of(function),
                               .insns = (uintptr_t)code,
                               .insn_cnt = sizeof code / sizeof *code,
                               .license = (uintptr_t)"GPL",
                               .log_level = 1,
                               .log_size = sizeof log_buffer,
                               .log_buf = (uintptr_t)log_buffer};
  int program = must(bpf(BPF_PROG_LOAD, &of_program), "program");
  union bpf_attr of_link = {.raw_tracepoint = {.prog_fd = program}};
  int link = must(bpf(BPF_RAW_TRACEPOINT_OPEN, &of_link), "attach");
  pin(map, function, "count");
  pin(link, function, "link");
}

static void count(const char *function) {
  char path[256];
  snprintf(path, sizeof path, "/sys/fs/bpf/%s_count", function);
  union bpf_attr of_pin = {.pathname = (uintptr_t)path};
  uint32_t key = 0;
  uint64_t value = 0;
  union bpf_attr lookup = {
      .map_fd = must(bpf(BPF_OBJ_GET, &of_pin), path), .key = (uintptr_t)&key, .value = (uintptr_t)&value};
  must(bpf(BPF_MAP_LOOKUP_ELEM, &lookup), "count");
  printf("%llu\n", (unsigned long long)value);
}

static void detach(const char *function) {
  char path[256];
  snprintf(path, sizeof path, "/sys/fs/bpf/%s_link", function);
  must(unlink(path), path);
  snprintf(path, sizeof path, "/sys/fs/bpf/%s_count", function);
  must(unlink(path), path);
}

int main(int argc, char **argv) {
  struct stat folder, parent;
  must(stat("/sys/fs/bpf", &folder), "/sys/fs/bpf");
  must(stat("/sys/fs", &parent), "/sys/fs");
  if (folder.st_dev == parent.st_dev) must(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL), "mount /sys/fs/bpf");
  if (argc == 4 && strcmp(argv[1], "attach") == 0) {
    attach(argv[2], argv[3]);
  } else if (argc == 3 && strcmp(argv[1], "count") == 0) {
    count(argv[2]);
  } else if (argc == 3 && strcmp(argv[1], "detach") == 0) {
    detach(argv[2]);
  } else {
    fprintf(stderr, "usage: bpf_watch attach fentry|fexit FUNCTION | count FUNCTION | detach FUNCTION\n");
    return 2;
  }
  return 0;
}
