package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;

/**
 * The guest's own livepatches. They divert calls in the ftrace slot, before a function's own code
 * (kernel/livepatch/patch.c: {@code klp_ops} has each function's stack of them, newest first).
 */
public final class Livepatches {
  private static final String SOURCE = "guest klp_ops";
  private static final String LIST = "klp_ops";
  private static final int MOST_FUNCTIONS = 1 << 16;
  private static final int MOST_IN_STACK = 1 << 10;

  private final GuestMemory memory;
  private final SymbolTable symbols;
  private final BtfTypes types;

  Livepatches(GuestMemory memory, SymbolTable symbols, BtfTypes types) {
    this.memory = memory;
    this.symbols = symbols;
    this.types = types;
  }

  /**
   * A function whose calls, or those of some tasks as long as a transition lasts, go elsewhere.
   *
   * @param function the function as livepatch knows it: its first byte, or its ftrace slot
   * @param replacement where the calls go
   */
  public record Diversion(GuestVirtualAddress function, GuestVirtualAddress replacement) {}

  /** All diverted functions; none if the kernel has no livepatch. */
  public List<Diversion> all() {
    return GuestLists.stable(this::read);
  }

  /** Where calls of the function with this code are diverted to. */
  public Optional<GuestVirtualAddress> diversionOf(AddressRange code) {
    return all().stream()
        .filter(diversion -> code.contains(diversion.function()))
        .map(Diversion::replacement)
        .findFirst();
  }

  private List<Diversion> read() {
    List<Diversion> found = new ArrayList<>();
    Optional<KernelSymbol> list = symbols.find(LIST);
    if (list.isEmpty()) {
      return found;
    }
    StructLayout ops = types.struct("klp_ops");
    long node = ops.offsetOf("node");
    long stack = ops.offsetOf("func_stack");
    for (GuestVirtualAddress at :
        GuestLists.ring(memory, SOURCE, list.get().address(), MOST_FUNCTIONS)) {
      top(at.plus(stack - node)).ifPresent(found::add);
    }
    return found;
  }

  /** The newest that diverts; below one that puts the original back for all tasks none does. */
  private Optional<Diversion> top(GuestVirtualAddress stack) {
    StructLayout func = types.struct("klp_func");
    Field node = func.field("stack_node");
    for (GuestVirtualAddress at : GuestLists.ring(memory, SOURCE, stack, MOST_IN_STACK)) {
      GuestVirtualAddress struct = at.plus(-node.offset());
      if (func.field("nop").read(memory, struct) == 0) {
        GuestVirtualAddress function = func.field("old_func").readPointer(memory, struct);
        GuestVirtualAddress replacement = func.field("new_func").readPointer(memory, struct);
        GuestLists.requireText(SOURCE, struct, function);
        GuestLists.requireText(SOURCE, struct, replacement);
        return Optional.of(new Diversion(function, replacement));
      }
      if (func.field("transition").read(memory, struct) == 0) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }
}
