package org.lucos.patcher.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.patcher.kernel.SyntheticTypes.Shape;

/**
 * The memory of a guest with the smallest kernel that can be attached to: page tables, VMCOREINFO,
 * kallsyms, BTF, a few tasks and modules. Everything lies in one run of pages, and tests change it
 * as they like.
 */
final class SyntheticKernel implements PhysicalMemory {
  static final String RELEASE = "6.1.0-synthetic";
  static final String BUILD_ID = "0123456789abcdef0123456789abcdef01234567";
  static final long SLIDE = 0x140_0000;
  static final long START = 0xffff_ffff_8100_0000L + SLIDE;
  private static final int RAM = 4 << 20;
  private static final int PAGE = 4096;

  private final ByteBuffer ram = ByteBuffer.allocate(RAM).order(ByteOrder.LITTLE_ENDIAN);
  private final Map<String, Long> symbols = new HashMap<>();
  private final SyntheticTypes types = new SyntheticTypes();
  private final long physicalStart;
  private long next = START;
  private long vmcoreInfo;

  /** A kernel whose first byte is at this multiple of 2 MiB in physical memory. */
  SyntheticKernel(int megabytes) {
    physicalStart = (long) megabytes << 20;
    if (physicalStart % (2 << 20) != 0) {
      throw new IllegalArgumentException("not a multiple of 2 MiB");
    }
    pageTables();
    variables();
    tasks();
    blob("__start_BTF", "__stop_BTF", types.bytes());
    tables();
  }

  SyntheticKernel() {
    this(2);
  }

  private void pageTables() {
    long top = define("init_top_pgt", PAGE, PAGE);
    long third = allocate(PAGE, PAGE);
    long second = allocate(PAGE, PAGE);
    put64(top + 511 * 8, physical(third) | 0x63);
    put64(third + 510 * 8, physical(second) | 0x63);
    for (int large = 0; large < 2; large++) {
      long index = (START >> 21 & 511) + large;
      put64(second + index * 8, physicalStart + ((long) large << 21) | 0xe3);
    }
  }

  private void variables() {
    define("_stext", 64, 64);
    define("a_function", 64, 64);
    define("_etext", 64, 64);
    text(define("linux_banner", 128, 64), "Linux version " + RELEASE + " (test)");
    define("init_uts_ns", 64, 8);
    put32(define("system_state", 8, 8), 3);
    put32(define("panic_cpu", 8, 8), -1);
    put64(define("shadow_timekeeper", 64, 8), 1_000_000);
    define("sysctl_bootid", 16, 8);
    define("init_user_ns", 64, 8);
    define("init_stack", 0x4000, PAGE);
    define("__end_init_task", 64, 64);
    long mask = define("__cpu_online_mask", 8, 8);
    put64(mask, 1);
    put64(define("__cpu_possible_mask", 8, 8), 1);
    long area = allocate(PAGE, PAGE);
    put64(define("__per_cpu_offset", 64, 8), area);
    symbols.put("runqueues", 0x40L);
    symbols.put("current_task", 0x80L);
    long modules = define("modules", 16, 8);
    ring(modules);
  }

  private void tasks() {
    Shape cred = types.shape("cred");
    long credentials = allocate(cred.size(), 64);
    put64(credentials + cred.offset("cap_effective"), 0x1ff_ffff_ffffL);
    put64(credentials + cred.offset("user_ns"), at("init_user_ns"));
    Shape task = types.shape("task_struct");
    symbols.put("init_task", allocate(task.size(), 64));
    fill(at("init_task"), 0, "swapper/0", credentials);
    ring(at("init_task") + task.offset("tasks"));
    put64(at("init_task") + task.offset("stack_canary"), 0x1234_5678_9abc_de00L);
    put64(perCpu("runqueues"), at("init_task"));
    put64(perCpu("current_task"), at("init_task"));
    addProcess(1, "init");
    addProcess(2, "kthreadd");
  }

  private void fill(long struct, int pid, String comm, long credentials) {
    Shape task = types.shape("task_struct");
    put32(struct + task.offset("pid"), pid);
    put32(struct + task.offset("tgid"), pid);
    text(struct + task.offset("comm"), comm);
    put64(struct + task.offset("cred"), credentials);
    put64(struct + task.offset("stack"), at("init_stack"));
    put64(struct + task.offset("start_boottime"), 1000 + pid);
  }

  /** Adds a process with one thread; answers its task_struct. */
  long addProcess(int pid, String comm) {
    Shape task = types.shape("task_struct");
    long struct = allocate(task.size(), 64);
    long credentials = get64(at("init_task") + task.offset("cred"));
    fill(struct, pid, comm, credentials);
    append(at("init_task") + task.offset("tasks"), struct + task.offset("tasks"));
    long signal = allocate(types.shape("signal_struct").size(), 64);
    put64(struct + task.offset("signal"), signal);
    long threads = signal + types.shape("signal_struct").offset("thread_head");
    ring(threads);
    append(threads, struct + task.offset("thread_node"));
    return struct;
  }

  /** Adds a thread to a process. */
  long addThread(long leader, int pid, String comm) {
    Shape task = types.shape("task_struct");
    long struct = allocate(task.size(), 64);
    fill(struct, pid, comm, get64(leader + task.offset("cred")));
    put32(struct + task.offset("tgid"), (int) get64(leader + task.offset("pid")));
    long signal = get64(leader + task.offset("signal"));
    put64(struct + task.offset("signal"), signal);
    append(
        signal + types.shape("signal_struct").offset("thread_head"),
        struct + task.offset("thread_node"));
    return struct;
  }

  /** Adds a module with 4 KiB of code, no symbols and no users. */
  long addModule(String name) {
    Shape module = types.shape("module");
    long struct = allocate(module.size(), 64);
    text(struct + module.offset("name"), name);
    put32(struct + module.offset("refcnt"), 1);
    ring(struct + module.offset("source_list"));
    long layout = struct + module.offset("core_layout");
    long code = allocate(PAGE, PAGE);
    put64(layout, code);
    put32(layout + 8, PAGE);
    put32(layout + 16, 2048);
    put32(layout + 24, 3072);
    append(at("modules"), struct + module.offset("list"));
    return struct;
  }

  /** Where a member is in the structures of this kernel. */
  long offset(String struct, String member) {
    return types.shape(struct).offset(member);
  }

  private void blob(String start, String stop, byte[] bytes) {
    symbols.put(start, placed(bytes));
    symbols.put(stop, at(start) + bytes.length);
  }

  /** Writes kallsyms and VMCOREINFO as the symbols are now. */
  private void tables() {
    long pointer = define("vmcoreinfo_data", 8, 8);
    define("_end", 8, 8);
    List<KernelSymbol> list = new ArrayList<>();
    symbols.forEach(
        (name, address) ->
            list.add(
                new KernelSymbol(
                    name,
                    new GuestVirtualAddress(address),
                    address < 0 ? 'D' : 'A',
                    Optional.empty())));
    Kallsyms.Tables tables = KallsymsWriter.write(list, START, true);
    Map<String, Long> places = new HashMap<>();
    places.put("names", placed(tables.names()));
    places.put("token_table", placed(tables.tokenTable()));
    // nothing may lie between these two
    places.put("token_index", places.get("token_table") + tables.tokenTable().length);
    write(places.get("token_index"), tables.tokenIndex());
    next = places.get("token_index") + tables.tokenIndex().length;
    places.put("offsets", placed(tables.offsets()));
    places.put("num_syms", allocate(8, 8));
    put32(places.get("num_syms"), tables.count());
    places.put("relative_base", allocate(8, 8));
    put64(places.get("relative_base"), tables.relativeBase());

    vmcoreInfo = allocate(PAGE, PAGE);
    put64(pointer, vmcoreInfo);
    StringBuilder text = new StringBuilder();
    text.append("OSRELEASE=").append(RELEASE).append("\nBUILD-ID=").append(BUILD_ID).append('\n');
    for (String name : List.of("init_uts_ns", "_stext", "init_top_pgt")) {
      text.append(String.format("SYMBOL(%s)=%x%n", name, at(name)));
    }
    places.forEach(
        (name, address) -> text.append(String.format("SYMBOL(kallsyms_%s)=%x%n", name, address)));
    text.append("NUMBER(phys_base)=")
        .append(physicalStart - (START - 0xffff_ffff_8000_0000L))
        .append("\nNUMBER(pgtable_l5_enabled)=0\nNUMBER(sme_mask)=0\n")
        .append(String.format("KERNELOFFSET=%x%n%n", SLIDE));
    text(vmcoreInfo, text.toString());
  }

  private long placed(byte[] bytes) {
    long address = allocate(bytes.length, 8);
    write(address, bytes);
    return address;
  }

  /** Where VMCOREINFO is. */
  long vmcoreInfo() {
    return vmcoreInfo;
  }

  /** The address of a symbol. */
  long at(String symbol) {
    return Objects.requireNonNull(symbols.get(symbol), symbol);
  }

  private long perCpu(String symbol) {
    return get64(at("__per_cpu_offset")) + at(symbol);
  }

  private long define(String symbol, int size, int alignment) {
    symbols.put(symbol, allocate(size, alignment));
    return at(symbol);
  }

  /** Zeroed memory. */
  long allocate(int size, int alignment) {
    long address = (next + alignment - 1) & -alignment;
    next = address + size;
    return address;
  }

  private void ring(long head) {
    put64(head, head);
    put64(head + 8, head);
  }

  private void append(long head, long node) {
    long last = get64(head + 8);
    put64(node, head);
    put64(node + 8, last);
    put64(last, node);
    put64(head + 8, node);
  }

  /** Where an address is in physical memory. */
  long physical(long address) {
    return address - START + physicalStart;
  }

  private int index(long address) {
    return (int) (address - START);
  }

  void put64(long address, long value) {
    ram.putLong(index(address), value);
  }

  void put32(long address, int value) {
    ram.putInt(index(address), value);
  }

  long get64(long address) {
    return ram.getLong(index(address));
  }

  void text(long address, String value) {
    write(address, (value + '\0').getBytes(StandardCharsets.ISO_8859_1));
  }

  void write(long address, byte[] bytes) {
    ram.put(index(address), bytes);
  }

  byte[] bytes(long address, int length) {
    byte[] bytes = new byte[length];
    ram.get(index(address), bytes);
    return bytes;
  }

  @Override
  public List<MemoryRegion> regions() {
    return List.of(new MemoryRegion(new GuestPhysicalAddress(physicalStart), RAM));
  }

  @Override
  public void read(GuestPhysicalAddress at, byte[] into, int offset, int length) {
    if (!regions().get(0).covers(at, length)) {
      throw new MemoryFaultException("physical", at.value(), length, "not RAM");
    }
    ram.get((int) (at.value() - physicalStart), into, offset, length);
  }
}
