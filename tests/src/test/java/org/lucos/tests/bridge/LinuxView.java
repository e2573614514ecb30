package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.mmu.PagingRoot;
import org.lucos.bridge.mmu.VirtualMemory;
import org.lucos.tests.guest.TestGuest;

/**
 * As much of Linux as tests of the bridge need: VMCOREINFO, found by looking at the start of every
 * page, and the page-table root it names.
 */
final class LinuxView {
  private static final byte[] START = "OSRELEASE=".getBytes(StandardCharsets.US_ASCII);
  private static final int PAGE = 4096;
  private static final long KERNEL_MAP = 0xffff_ffff_8000_0000L;

  private final GuestPhysicalAddress page;
  private final Map<String, String> facts;
  private final PagingRoot root;
  private final VirtualMemory memory;

  private LinuxView(GuestDomain domain, GuestPhysicalAddress page, Map<String, String> facts) {
    this.page = page;
    this.facts = facts;
    long table = Long.parseUnsignedLong(fact("SYMBOL(swapper_pg_dir)"), 16);
    long physical = table - KERNEL_MAP + Long.parseLong(fact("NUMBER(phys_base)"));
    int levels = "1".equals(facts.get("NUMBER(pgtable_l5_enabled)")) ? 5 : 4;
    this.root =
        new PagingRoot(
            domain.memory().located(new GuestPhysicalAddress(physical)),
            levels,
            PagingRoot.ALL_ADDRESS_BITS);
    this.memory = new VirtualMemory(domain.memory(), root);
  }

  static LinuxView find(GuestDomain domain) {
    byte[] chunk = new byte[PAGE << 8];
    for (MemoryRegion region : domain.memory().regions()) {
      for (long at = 0; at < region.size(); at += chunk.length) {
        int length = (int) Math.min(chunk.length, region.size() - at);
        domain.memory().read(region.start().plus(at), chunk, 0, length);
        for (int offset = 0; offset + PAGE <= length; offset += PAGE) {
          if (startsHere(chunk, offset)) {
            Map<String, String> facts = parse(chunk, offset);
            if (facts.containsKey("SYMBOL(swapper_pg_dir)")) {
              return new LinuxView(domain, region.start().plus(at + offset), facts);
            }
          }
        }
      }
    }
    throw new AssertionError("no VMCOREINFO in guest memory");
  }

  private static boolean startsHere(byte[] bytes, int offset) {
    return Arrays.equals(bytes, offset, offset + START.length, START, 0, START.length);
  }

  private static Map<String, String> parse(byte[] bytes, int offset) {
    Map<String, String> facts = new HashMap<>();
    new String(bytes, offset, PAGE, StandardCharsets.ISO_8859_1)
        .lines()
        .filter(line -> line.contains("="))
        .forEach(
            line ->
                facts.put(
                    line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1)));
    return facts;
  }

  String fact(String name) {
    String value = facts.get(name);
    if (value == null) {
      throw new AssertionError("VMCOREINFO has no " + name);
    }
    return value;
  }

  GuestVirtualAddress symbol(String name) {
    return new GuestVirtualAddress(Long.parseUnsignedLong(fact("SYMBOL(" + name + ")"), 16));
  }

  /** Where the guest itself says that a symbol is. */
  static GuestVirtualAddress kallsyms(TestGuest guest, String symbol) {
    String line = guest.run("grep ' " + symbol + "$' /proc/kallsyms");
    return new GuestVirtualAddress(Long.parseUnsignedLong(line.substring(0, 16), 16));
  }

  /** Compares what the guest says of its kernel with what is read at the kernel's own addresses. */
  void assertBannerOf(TestGuest guest) {
    assertThat(fact("OSRELEASE")).isEqualTo(guest.release());
    assertThat(memory().cString(kallsyms(guest, "linux_banner"), 4096).strip())
        .isEqualTo(guest.run("cat /proc/version"));
  }

  PagingRoot root() {
    return root;
  }

  VirtualMemory memory() {
    return memory;
  }

  /** 16 bytes of the VMCOREINFO page that hold nothing, and that nothing in the guest reads. */
  GuestPhysicalAddress spare() {
    return page.plus(PAGE - 16);
  }
}
