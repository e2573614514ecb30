package org.lucos.patcher.plan;

import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;

/**
 * How one function will be replaced.
 *
 * @param name in the kernel's symbol table
 * @param object of which C file, such as {@code net/ipv4/tcp_input.o}
 * @param code where it is
 * @param parts where the rest of it is, such as its {@code .cold} part
 * @param site where the jump goes: the first byte of its own code, behind the ftrace slot
 * @param original the function's own bytes there; another patch's jump may be in their place now
 * @param taken bytes of the instructions that the jump replaces in whole or in part
 * @param replacement symbol of the new function in the patch's module
 */
public record PlannedFunction(
    String name,
    String object,
    AddressRange code,
    List<AddressRange> parts,
    GuestVirtualAddress site,
    Bytes original,
    int taken,
    String replacement) {

  /** Copies the list. */
  public PlannedFunction {
    parts = List.copyOf(parts);
    if (original.size() != TextEdit.REDIRECT_SIZE || taken < original.size()) {
      throw new IllegalArgumentException(
          "no redirect site: bytes=" + original.size() + ", taken=" + taken);
    }
  }

  /** All of its code: nobody may be in there when it is switched. */
  public List<AddressRange> ranges() {
    List<AddressRange> all = new ArrayList<>();
    all.add(code);
    all.addAll(parts);
    return List.copyOf(all);
  }

  /** The distance of the site from the function's beginning, in bytes. */
  public long siteOffset() {
    return site.minus(code.start());
  }
}
