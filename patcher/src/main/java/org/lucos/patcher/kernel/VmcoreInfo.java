package org.lucos.patcher.kernel;

import com.google.common.collect.ImmutableMap;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalLong;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.mmu.PagingRoot;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * What a Linux kernel leaves in its memory for crash tools: lines of {@code KEY=VALUE}, written
 * once at boot into a page of their own ({@code crash_save_vmcoreinfo_init()} in
 * kernel/crash_core.c, later kernel/vmcore_info.c). It is the one structure that can be recognised
 * in raw memory, and it leads to everything else.
 *
 * <p>Symbols are run-time addresses, with KASLR applied.
 */
public final class VmcoreInfo {
  /** What the text begins with, at the start of a page. */
  static final String BEGINNING = "OSRELEASE=";

  /** Where the kernel image is linked to be mapped ({@code __START_KERNEL_map}). */
  private static final long KERNEL_MAP = 0xffff_ffff_8000_0000L;

  private final String source;
  private final ImmutableMap<String, String> entries;

  private VmcoreInfo(String source, ImmutableMap<String, String> entries) {
    this.source = source;
    this.entries = entries;
  }

  /**
   * Parses the text at the beginning of {@code data}, which ends at the first NUL.
   *
   * @param source what errors call the data
   * @throws MalformedDataException if a line is no {@code KEY=VALUE} in printable ASCII, or the
   *     first key is not {@code OSRELEASE}
   */
  public static VmcoreInfo parse(String source, byte[] data) {
    int end = 0;
    while (end < data.length && data[end] != 0) {
      if (data[end] != '\n' && (data[end] < ' ' || data[end] > '~')) {
        throw new MalformedDataException(source, end, "not text");
      }
      end++;
    }
    String text = new String(data, 0, end, StandardCharsets.US_ASCII);
    if (!text.startsWith(BEGINNING)) {
      throw new MalformedDataException(source, 0, "does not begin with " + BEGINNING);
    }
    ImmutableMap.Builder<String, String> entries = ImmutableMap.builder();
    int at = 0;
    while (at < end) {
      int newline = text.indexOf('\n', at);
      if (newline < 0) {
        throw new MalformedDataException(source, at, "line without end");
      }
      int equals = text.indexOf('=', at);
      // 6.1 ends with an empty line
      if (newline > at) {
        if (equals <= at || equals > newline) {
          throw new MalformedDataException(source, at, "line is no KEY=VALUE");
        }
        entries.put(text.substring(at, equals), text.substring(equals + 1, newline));
      }
      at = newline + 1;
    }
    return new VmcoreInfo(source, entries.buildKeepingLast());
  }

  /** Whether the text begins at {@code offset} in {@code data}. */
  static boolean beginsAt(byte[] data, int offset) {
    for (int i = 0; i < BEGINNING.length(); i++) {
      if (data[offset + i] != BEGINNING.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** The kernel release, as {@code uname -r} prints it. */
  public String release() {
    return text("OSRELEASE");
  }

  /** The GNU build-id of vmlinux in lower-case hexadecimal. */
  public String buildId() {
    String id = text("BUILD-ID");
    if (!id.matches("[0-9a-f]{16,128}")) {
      throw malformed("BUILD-ID is no hexadecimal number");
    }
    return id;
  }

  /** How far KASLR moved the kernel from its link address, in bytes. */
  public long slide() {
    return parseHex("KERNELOFFSET", text("KERNELOFFSET"));
  }

  /** What to add to an offset in the kernel mapping to get a physical address; may be negative. */
  public long physBase() {
    return number("phys_base").orElseThrow(() -> malformed("no NUMBER(phys_base)"));
  }

  /** The run-time address of a symbol it names; malformed if it does not. */
  public GuestVirtualAddress symbol(String name) {
    return findSymbol(name).orElseThrow(() -> malformed("no SYMBOL(" + name + ")"));
  }

  /** The run-time address of a symbol, if it is named. */
  public Optional<GuestVirtualAddress> findSymbol(String name) {
    String key = "SYMBOL(" + name + ")";
    String value = entries.get(key);
    return value == null
        ? Optional.empty()
        : Optional.of(new GuestVirtualAddress(parseHex(key, value)));
  }

  /** A number it names, decimal or with {@code 0x}. */
  public OptionalLong number(String name) {
    String key = "NUMBER(" + name + ")";
    String value = entries.get(key);
    if (value == null) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(
          value.startsWith("0x") ? parseHex(key, value.substring(2)) : Long.parseLong(value));
    } catch (NumberFormatException e) {
      throw malformed(key + " is no number");
    }
  }

  /** The physical address behind an address in the kernel image's own mapping. */
  public GuestPhysicalAddress physicalOfImage(GuestVirtualAddress address) {
    long offset = address.value() - KERNEL_MAP;
    long physical = offset + physBase();
    if (offset < 0 || physical < 0 || physical >= 1L << 52) {
      throw malformed("address outside of the kernel mapping: " + address);
    }
    return new GuestPhysicalAddress(physical);
  }

  /**
   * Where walks of the kernel's own page tables start: {@code init_top_pgt}, which maps the whole
   * kernel whatever a vCPU's CR3 happens to be (page-table isolation hides it from user mode).
   */
  public PagingRoot pagingRoot() {
    GuestVirtualAddress table =
        findSymbol("init_top_pgt").orElseGet(() -> symbol("swapper_pg_dir"));
    boolean fiveLevels = number("pgtable_l5_enabled").orElse(0) != 0;
    long encryption = number("sme_mask").orElse(0);
    return new PagingRoot(
        physicalOfImage(table), fiveLevels ? 5 : 4, PagingRoot.ALL_ADDRESS_BITS & ~encryption);
  }

  private String text(String key) {
    String value = entries.get(key);
    if (value == null || value.isEmpty()) {
      throw malformed("no " + key);
    }
    return value;
  }

  private long parseHex(String key, String digits) {
    try {
      return Long.parseUnsignedLong(digits, 16);
    } catch (NumberFormatException e) {
      throw malformed(key + " is no hexadecimal number");
    }
  }

  private MalformedDataException malformed(String problem) {
    return new MalformedDataException(source, 0, problem);
  }

  @Override
  public String toString() {
    return source + ": " + entries;
  }
}
