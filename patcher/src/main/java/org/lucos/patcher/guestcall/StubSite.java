package org.lucos.patcher.guestcall;

import java.util.Arrays;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.SymbolTable;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * A place in the guest's text for {@link StubCode}: executable, owned by the kernel for good, and
 * unused. Found by its bytes, not by a kernel version.
 *
 * <ul>
 *   <li>The page that holds the end of the text is mapped executable as a whole, but only partly
 *       used: the rest is padding (zeros, or {@code int3} where the linker script fills). What lies
 *       behind that page is given to the page allocator at boot and must not be touched.
 *   <li>{@code hypercall_page} is filled in by Xen guests only; elsewhere it holds 128 stubs of
 *       {@code ret} and padding that nobody calls.
 * </ul>
 *
 * @param address where the stub goes
 * @param fill what is there when it is not
 */
record StubSite(GuestVirtualAddress address, Fill fill) {
  private static final int PAGE = 4096;
  private static final int MARGIN = 16;

  /** How an unused place looks. */
  enum Fill {
    ZERO,
    INT3,
    HYPERCALL_STUBS;

    byte[] bytes(int size) {
      byte[] result = new byte[size];
      if (this != ZERO) {
        Arrays.fill(result, (byte) 0xcc);
      }
      if (this == HYPERCALL_STUBS) {
        for (int i = 0; i < size; i += 32) {
          result[i] = (byte) 0xc3;
        }
      }
      return result;
    }
  }

  static StubSite find(RunningKernel kernel) {
    return afterText(kernel)
        .or(() -> inHypercallPage(kernel))
        .orElseThrow(
            () ->
                new RefusedException(
                    new GuestRefusal.KernelNotFound(
                        kernel.domain().identity().name(),
                        "its text has no unused room for a call stub")));
  }

  private static Optional<StubSite> afterText(RunningKernel kernel) {
    GuestVirtualAddress textEnd = kernel.symbols().address("_etext");
    GuestVirtualAddress pageEnd = textEnd.plus(PAGE - 1).alignDown(PAGE);
    GuestVirtualAddress page = pageEnd.plus(-PAGE);
    byte[] bytes = kernel.memory().bytes(page, PAGE);
    // A stub that is there already belongs to the same padding.
    GuestVirtualAddress lastSymbol = lastTextSymbol(kernel.symbols(), page, pageEnd);
    for (Fill fill : new Fill[] {Fill.ZERO, Fill.INT3}) {
      byte padding = fill.bytes(1)[0];
      int last = PAGE - StubCode.SIZE - MARGIN;
      int start = last - last % 16;
      // Nothing but padding from here to the page end, except for a stub of ours in its place.
      if (start > 0
          && page.plus(start).minus(lastSymbol) >= MARGIN
          && bytes[start - 1] == padding
          && (isPadding(bytes, start, PAGE, padding)
              || (isStub(bytes, start)
                  && isPadding(bytes, start + StubCode.SIZE, PAGE, padding)))) {
        return Optional.of(new StubSite(page.plus(start), fill));
      }
    }
    return Optional.empty();
  }

  private static Optional<StubSite> inHypercallPage(RunningKernel kernel) {
    Optional<KernelSymbol> hypercalls = kernel.symbols().find("hypercall_page");
    Optional<KernelSymbol> xen = kernel.symbols().find("xen_domain_type");
    if (hypercalls.isEmpty()
        || (xen.isPresent() && kernel.memory().i32(xen.get().address()) != 0)) {
      return Optional.empty();
    }
    GuestVirtualAddress at = hypercalls.get().address();
    byte[] bytes = kernel.memory().bytes(at, StubCode.SIZE);
    return isStub(bytes, 0) || Arrays.equals(bytes, Fill.HYPERCALL_STUBS.bytes(StubCode.SIZE))
        ? Optional.of(new StubSite(at, Fill.HYPERCALL_STUBS))
        : Optional.empty();
  }

  /** Whether the bytes at {@code offset} are a stub, whatever control block it was made for. */
  static boolean isStub(byte[] bytes, int offset) {
    byte[] stub = StubCode.assemble(new GuestVirtualAddress(0));
    return Arrays.equals(
        bytes, offset, offset + StubCode.PROGRAM_SIZE, stub, 0, StubCode.PROGRAM_SIZE);
  }

  private static boolean isPadding(byte[] bytes, int from, int to, byte padding) {
    for (int i = from; i < to; i++) {
      if (bytes[i] != padding) {
        return false;
      }
    }
    return true;
  }

  private static GuestVirtualAddress lastTextSymbol(
      SymbolTable symbols, GuestVirtualAddress page, GuestVirtualAddress pageEnd) {
    return symbols.enclosing(pageEnd.plus(-1)).map(KernelSymbol::address).orElse(page);
  }
}
