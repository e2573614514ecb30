package org.lucos.patcher.consistency;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.BtfTypes;
import org.lucos.patcher.kernel.Field;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.kernel.SymbolTable;

/**
 * Where each CPU keeps what it runs and the stacks it uses beside the tasks' own.
 *
 * <p>Source: {@code arch/x86/include/asm/cpu_entry_area.h}, {@code
 * arch/x86/include/asm/irq_stack.h} and {@code get_stack_info()} in {@code
 * arch/x86/kernel/dumpstack_64.c}. Variables are by their per-CPU addresses; 6.2 to 6.14 keep two
 * of them in {@code struct pcpu_hot}.
 *
 * @param currentTask pointer to the running {@code task_struct}
 * @param irqStack pointer to the topmost word of the interrupt stack
 * @param irqStackSize its bytes, the topmost word included
 * @param exceptionStacks pointer to {@code struct cea_exception_stacks}
 * @param exceptions the stacks in there
 * @param entryStack offset of the entry stack from there; negative, as both are parts of {@code
 *     struct cpu_entry_area}, whose own address no variable holds
 * @param entryStackSize its bytes
 * @param entryText the text in which a CPU may be on its way from or to user mode
 */
record CpuLayout(
    long currentTask,
    long irqStack,
    long irqStackSize,
    long exceptionStacks,
    List<ExceptionStack> exceptions,
    long entryStack,
    long entryStackSize,
    AddressRange entryText) {

  /**
   * A stack of {@code struct cea_exception_stacks}.
   *
   * @param name as in its member's name
   * @param offset of its lowest address
   * @param size in bytes
   */
  record ExceptionStack(String name, long offset, long size) {

    /** Whether the word the CPU pushed first tells where it came from, and nothing moves it. */
    boolean isPlain() {
      return !name.startsWith("VC");
    }
  }

  static CpuLayout of(SymbolTable symbols, BtfTypes types) {
    StructLayout area = types.struct("cpu_entry_area");
    Field entryStack = area.field("entry_stack_page.stack");
    return new CpuLayout(
        hot(symbols, types, "current_task"),
        hot(symbols, types, "hardirq_stack_ptr"),
        types.sizeOf("irq_stack"),
        symbols.address("cea_exception_stacks").value(),
        exceptions(types.struct("cea_exception_stacks")),
        entryStack.offset() - area.field("estacks").offset(),
        entryStack.size(),
        AddressRange.between(
            symbols.address("__entry_text_start"), symbols.address("__entry_text_end")));
  }

  private static long hot(SymbolTable symbols, BtfTypes types, String name) {
    Optional<KernelSymbol> alone = symbols.find(name);
    return alone
        .map(symbol -> symbol.address().value())
        .orElseGet(
            () ->
                symbols.address("pcpu_hot").value()
                    + types.struct("pcpu_hot").field(name).offset());
  }

  private static List<ExceptionStack> exceptions(StructLayout stacks) {
    String suffix = "_stack";
    List<ExceptionStack> found = new ArrayList<>();
    for (Field member : stacks.members()) {
      String name = member.path().substring(member.path().lastIndexOf('.') + 1);
      if (name.endsWith(suffix) && member.size() > 0) {
        String stack = name.substring(0, name.length() - suffix.length());
        found.add(new ExceptionStack(stack, member.offset(), member.size()));
      }
    }
    if (found.isEmpty()) {
      throw new MalformedDataException("guest BTF", 0, "no stacks in " + stacks);
    }
    return found;
  }
}
