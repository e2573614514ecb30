package org.lucos.bench.micro;

import java.util.Optional;

/** What is measured, in this order, and what each is set beside. */
public enum HotPath {
  COPY_BULK(CopyBenchmarks.class, "bulk", "copy, 64 MiB", ""),
  COPY_TABLE(CopyBenchmarks.class, "table", "copy, 4 MiB", ""),
  COPY_PAGES(CopyBenchmarks.class, "pages", "copy, pieces of 4 KiB", ""),
  COPY_LINES(CopyBenchmarks.class, "lines", "copy, pieces of 64 bytes", ""),
  KALLSYMS(TableBenchmarks.class, "kallsyms", "kallsyms", "symbols", COPY_TABLE),
  BTF(TableBenchmarks.class, "btf", "BTF", "", COPY_TABLE),
  ORC(TableBenchmarks.class, "orc", "ORC tables", "entries", COPY_TABLE),
  SEARCH(TableBenchmarks.class, "search", "binary search", "numbers"),
  ORC_LOOKUP(TableBenchmarks.class, "orcLookup", "ORC lookup", "instructions", SEARCH),
  ENTRIES(WalkBenchmarks.class, "entries", "reads of a walk, alone", "pages"),
  MAP(WalkBenchmarks.class, "map", "hash map", "pages"),
  WALK(WalkBenchmarks.class, "uncached", "page walk, uncached", "pages", ENTRIES),
  WALK_FIRST(WalkBenchmarks.class, "firstTime", "page walk, tables kept", "pages", MAP),
  WALK_CACHED(WalkBenchmarks.class, "cached", "page walk, cached", "pages", MAP),
  READ_BULK(MemoryBenchmarks.class, "bulk", "read, 64 MiB", "", COPY_BULK),
  READ_PAGES(MemoryBenchmarks.class, "pages", "read, pieces of 4 KiB", "pieces", COPY_PAGES),
  READ_LINES(MemoryBenchmarks.class, "lines", "read, pieces of 64 bytes", "pieces", COPY_LINES),
  READ_STACKS(StackBenchmarks.class, "read", "read, stacks", "tasks"),
  SCAN(StackBenchmarks.class, "scan", "stack scan", "tasks", READ_STACKS),
  SCAN_AGAIN(StackBenchmarks.class, "again", "stack scan, again", "tasks", READ_STACKS),
  UNWIND(StackBenchmarks.class, "unwind", "unwinding", "frames", ORC_LOOKUP),
  LINK(LinkBenchmarks.class, "link", "link", "", COPY_TABLE),
  RELOCATE(LinkBenchmarks.class, "relocate", "module image", "", COPY_TABLE),
  RSP_ENCODE(RspBenchmarks.class, "encode", "RSP encoder", "packets", COPY_TABLE),
  RSP_DECODE(RspBenchmarks.class, "decode", "RSP decoder", "packets", COPY_TABLE);

  private final Class<?> benchmarks;
  private final String method;
  private final String label;
  private final String items;
  private final Optional<HotPath> limit;

  HotPath(Class<?> benchmarks, String method, String label, String items) {
    this(benchmarks, method, label, items, Optional.empty());
  }

  HotPath(Class<?> benchmarks, String method, String label, String items, HotPath limit) {
    this(benchmarks, method, label, items, Optional.of(limit));
  }

  HotPath(Class<?> benchmarks, String method, String label, String items, Optional<HotPath> limit) {
    this.benchmarks = benchmarks;
    this.method = method;
    this.label = label;
    this.items = items;
    this.limit = limit;
  }

  /** JMH's name of it. */
  String benchmark() {
    return benchmarks.getName() + "." + method;
  }

  /** For people. */
  public String label() {
    return label;
  }

  /** What its items are, if it has any. */
  String items() {
    return items;
  }

  /** What cannot be faster. */
  Optional<HotPath> limit() {
    return limit;
  }
}
