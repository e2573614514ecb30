package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.mmu.PagingRoot;
import org.lucos.bridge.mmu.VirtualMemory;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.RefusedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the kernel that runs in a guest: looks for pages that begin like VMCOREINFO, and believes
 * one if everything it leads to agrees. Copies of the page (for kdump) and kernels that ran before
 * may be lying about: the kernel's own pointer to the page must lead back to it, and a kernel that
 * has shut down or handed over says so in {@code system_state}.
 */
final class KernelFinder {
  private static final Logger LOG = LoggerFactory.getLogger(KernelFinder.class);
  private static final int PAGE = 4096;
  private static final int PAGES_AT_ONCE = 1024;

  /** Up to this much RAM is searched to its end for a second kernel, which takes 0.2 s. */
  private static final long SEARCHED_WHOLLY = 4L << 30;

  private static final int LONGEST_BANNER = 512;

  private final PhysicalMemory memory;
  private final KernelCache cache;
  private final List<String> rejected = new ArrayList<>();

  KernelFinder(PhysicalMemory memory, KernelCache cache) {
    this.memory = memory;
    this.cache = cache;
  }

  /** A kernel that was found and checked. */
  record Found(
      GuestPhysicalAddress page,
      VmcoreInfo info,
      VirtualMemory memory,
      SymbolTable symbols,
      BtfTypes types,
      BootFingerprint fingerprint,
      KernelIdentity identity) {}

  /** The kernel that runs, if there is one. */
  Optional<Found> find() {
    Optional<Found> found = hinted().or(this::search);
    found.ifPresent(kernel -> cache.storeHint(kernel.page().value()));
    return found;
  }

  /** Why places that looked like a kernel were not taken, in a few words. */
  String whyNot() {
    return rejected.isEmpty() ? "no VMCOREINFO in its memory" : String.join("; ", rejected);
  }

  private Optional<Found> hinted() {
    OptionalLong page = cache.hint();
    if (page.isEmpty() || (page.getAsLong() & ~PagingRoot.ALL_ADDRESS_BITS) != 0) {
      return Optional.empty();
    }
    return Optional.of(new GuestPhysicalAddress(page.getAsLong()))
        .filter(this::looksRight)
        .flatMap(this::verified);
  }

  private boolean looksRight(GuestPhysicalAddress page) {
    byte[] head = new byte[VmcoreInfo.BEGINNING.length()];
    boolean isRam = memory.regions().stream().anyMatch(region -> region.covers(page, PAGE));
    if (isRam) {
      memory.read(page, head, 0, head.length);
    }
    return isRam && VmcoreInfo.beginsAt(head, 0);
  }

  private Optional<Found> search() {
    rejected.clear();
    long total = memory.regions().stream().mapToLong(MemoryRegion::size).sum();
    List<Found> kernels = new ArrayList<>();
    for (MemoryRegion chunk : fromBothEnds(chunks())) {
      for (GuestPhysicalAddress page : candidates(chunk.start(), (int) (chunk.size() / PAGE))) {
        Optional<Found> kernel = verified(page);
        kernel.ifPresent(kernels::add);
        if (kernel.isPresent() && total > SEARCHED_WHOLLY) {
          return kernel;
        }
      }
    }
    return kernels.stream().max((a, b) -> Long.compare(clock(a), clock(b)));
  }

  /** All RAM in pieces that are read at once, ascending. */
  private List<MemoryRegion> chunks() {
    List<MemoryRegion> chunks = new ArrayList<>();
    for (MemoryRegion region : memory.regions()) {
      long pages = region.size() / PAGE;
      for (long first = 0; first < pages; first += PAGES_AT_ONCE) {
        long count = Math.min(PAGES_AT_ONCE, pages - first);
        chunks.add(new MemoryRegion(region.start().plus(first * PAGE), count * PAGE));
      }
    }
    return chunks;
  }

  /**
   * The first, the last, the second, the last but one and so on: a kernel's early pages lie near
   * the one end of memory or the other, and memory that the guest has never used is best left alone
   * (reading it can make the host provide it).
   */
  private static List<MemoryRegion> fromBothEnds(List<MemoryRegion> chunks) {
    List<MemoryRegion> order = new ArrayList<>(chunks.size());
    for (int low = 0, high = chunks.size() - 1; low <= high; low++, high--) {
      order.add(chunks.get(low));
      if (low != high) {
        order.add(chunks.get(high));
      }
    }
    return order;
  }

  private List<GuestPhysicalAddress> candidates(GuestPhysicalAddress start, int count) {
    int length = VmcoreInfo.BEGINNING.length();
    byte[] heads = new byte[count * length];
    List<PhysicalMemory.Slice> slices = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      slices.add(new PhysicalMemory.Slice(start.plus((long) i * PAGE), heads, i * length, length));
    }
    memory.readAll(slices);
    List<GuestPhysicalAddress> found = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (VmcoreInfo.beginsAt(heads, i * length)) {
        found.add(start.plus((long) i * PAGE));
      }
    }
    return found;
  }

  /** The kernel a page leads to, if everything about it agrees. */
  private Optional<Found> verified(GuestPhysicalAddress page) {
    try {
      byte[] text = new byte[PAGE];
      memory.read(page, text, 0, PAGE);
      VmcoreInfo info = VmcoreInfo.parse("guest page " + page, text);
      Optional<KernelCache.Entry> cached = cache.load(info.buildId());
      if (cached.isPresent()) {
        try {
          return Optional.of(verify(page, info, cached));
        } catch (MalformedDataException | MemoryFaultException | RefusedException e) {
          LOG.debug("guest and cache do not fit: page={}, reason={}", page, e.toString());
        }
      }
      return Optional.of(verify(page, info, Optional.empty()));
    } catch (MalformedDataException
        | MemoryFaultException
        | AddressOutOfRangeException
        | RefusedException e) {
      rejected.add("at " + page + ": " + e.getMessage());
      return Optional.empty();
    }
  }

  private Found verify(
      GuestPhysicalAddress page, VmcoreInfo info, Optional<KernelCache.Entry> cached) {
    PagingRoot told = info.pagingRoot();
    PagingRoot root =
        new PagingRoot(memory.located(told.table()), told.levels(), told.addressMask());
    VirtualMemory virtual = new VirtualMemory(memory, root);
    SymbolTable symbols =
        cached
            .map(entry -> SymbolTable.restored(entry.symbols(), info.slide()))
            .orElseGet(() -> Kallsyms.read(virtual, info));
    checkSymbols(page, info, virtual, symbols);
    byte[] btf = cached.map(KernelCache.Entry::btf).orElseGet(() -> btf(virtual, symbols));
    BtfTypes types =
        cached
            .map(entry -> BtfTypes.restored("guest BTF", btf, entry.types()))
            .orElseGet(() -> BtfTypes.parse("guest BTF", btf));
    long state = virtual.u32(symbols.address("system_state"));
    if (state != types.enumerator("SYSTEM_RUNNING")) {
      throw new MalformedDataException(
          "guest system_state",
          page.value(),
          state < types.enumerator("SYSTEM_RUNNING")
              ? "the kernel is still booting"
              : "the kernel has shut down or suspended");
    }
    Optional<UUID> bootId = BootFingerprint.bootId(virtual, symbols);
    BootFingerprint fingerprint = new BootFingerprint(virtual, info, symbols, types);
    if (fingerprint.hasPanicked()) {
      throw new MalformedDataException("guest panic_cpu", page.value(), "the kernel has panicked");
    }
    String boot = fingerprint.read();
    if (cached.isEmpty()) {
      cache.store(
          info.buildId(), new KernelCache.Entry(symbols.stored(info.slide()), btf, types.stored()));
    }
    KernelIdentity identity =
        new KernelIdentity(info.release(), info.buildId(), info.slide(), boot, bootId);
    return new Found(page, info, virtual, symbols, types, fingerprint, identity);
  }

  private static void checkSymbols(
      GuestPhysicalAddress page, VmcoreInfo info, VirtualMemory virtual, SymbolTable symbols) {
    for (String name : List.of("_stext", "init_uts_ns")) {
      if (!symbols.address(name).equals(info.symbol(name))) {
        throw new MalformedDataException(
            "guest kallsyms", page.value(), name + " is not where VMCOREINFO says it is");
      }
    }
    GuestVirtualAddress own = virtual.pointer(symbols.address("vmcoreinfo_data"));
    if (!virtual.physical(own).equals(page)) {
      throw new MalformedDataException(
          "guest vmcoreinfo_data", page.value(), "a copy, the kernel's own is at " + own);
    }
    String banner = virtual.cString(symbols.address("linux_banner"), LONGEST_BANNER);
    if (!banner.startsWith("Linux version " + info.release() + " ")) {
      throw new MalformedDataException(
          "guest linux_banner", page.value(), "another kernel than " + info.release());
    }
  }

  private static byte[] btf(VirtualMemory virtual, SymbolTable symbols) {
    GuestVirtualAddress start = symbols.address("__start_BTF");
    long size = symbols.address("__stop_BTF").minus(start);
    if (size <= 0 || size > 1 << 28) {
      throw new MalformedDataException("guest BTF", 0, "absurd size: " + size);
    }
    return virtual.bytes(start, (int) size);
  }

  /**
   * The guest's wall clock in seconds. Of two kernels that both look alive (the guest was reset,
   * not rebooted, and the old one's memory has not been used again) the later clock is running.
   */
  private static long clock(Found kernel) {
    Optional<KernelSymbol> keeper = kernel.symbols().find("shadow_timekeeper");
    GuestVirtualAddress at;
    if (keeper.isPresent()) {
      at = keeper.get().address();
    } else {
      // inside of the only struct tk_data since 6.13
      long inside = kernel.types().struct("tk_data").offsetOf("shadow_timekeeper");
      at = kernel.symbols().address("tk_core").plus(inside);
    }
    return kernel.types().struct("timekeeper").field("xtime_sec").read(kernel.memory(), at);
  }
}
