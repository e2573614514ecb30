package org.lucos.patcher.consistency;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.BtfTypes;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.kernel.SymbolTable;

/**
 * Return addresses that tracers have taken off stacks, and where they keep them.
 *
 * <p>The function-graph tracer puts {@code return_to_handler} in their place and keeps them in
 * {@code task->ret_stack} ({@code kernel/trace/fgraph.c}); kretprobes and fprobes put {@code
 * arch_rethook_trampoline} there and keep them in the list {@code task->rethooks} ({@code
 * kernel/trace/rethook.c}). Both are read only for tasks that have such a word on their stack.
 */
final class ReturnHijacks {
  private static final String SOURCE = "guest return hooks";

  /** More than a 16 KiB stack can have frames. */
  private static final int MOST_RETURNS = 4096;

  /** The low bits of the word above a frame: how far below it the frame is. */
  private static final long FRAME_DISTANCE = 0x3ff;

  private final GuestMemory memory;
  private final Layout layout;

  /**
   * Where things are.
   *
   * @param graph the function-graph tracer's, if the kernel has one
   * @param rethook the rethook's, if the kernel has one
   * @param unknown other trampolines, whose return addresses cannot be found
   */
  record Layout(Optional<Graph> graph, Optional<Rethook> rethook, List<AddressRange> unknown) {
    Layout {
      unknown = List.copyOf(unknown);
    }
  }

  /**
   * The shadow stack of the function-graph tracer.
   *
   * @param trampoline {@code return_to_handler}
   * @param stack offset of {@code ret_stack} in {@code task_struct}
   * @param index offset of {@code curr_ret_stack}
   * @param words whether the shadow stack is one of words with frames of varying distance and the
   *     index counts words, 0 being empty (commit 7aa1eaef9f42, 6.11); earlier it is an array of
   *     frames and the index is of the last, -1 being empty
   * @param frameSize bytes of {@code struct ftrace_ret_stack}
   * @param ret offset of the return address in it
   * @param slot offset of the address it was taken from
   */
  record Graph(
      AddressRange trampoline,
      long stack,
      long index,
      boolean words,
      long frameSize,
      long ret,
      long slot) {}

  /**
   * The list of a task's rethook nodes.
   *
   * @param trampoline {@code arch_rethook_trampoline}
   * @param head offset of {@code rethooks} in {@code task_struct}
   * @param link offset of the list entry in {@code struct rethook_node}
   * @param ret offset of the return address
   * @param slot offset of the address it was taken from
   * @param size bytes of a node
   */
  record Rethook(AddressRange trampoline, long head, long link, long ret, long slot, long size) {}

  ReturnHijacks(GuestMemory memory, Layout layout) {
    this.memory = memory;
    this.layout = layout;
  }

  static Layout layout(SymbolTable symbols, BtfTypes types) {
    StructLayout task = types.struct("task_struct");
    Optional<AddressRange> graphCode = text(symbols, "return_to_handler");
    Optional<AddressRange> rethookCode = text(symbols, "arch_rethook_trampoline");
    List<AddressRange> unknown = new ArrayList<>();
    text(symbols, "__kretprobe_trampoline").ifPresent(unknown::add);
    Optional<Graph> graph = Optional.empty();
    if (graphCode.isPresent() && task.find("ret_stack").isPresent()) {
      StructLayout frame = types.struct("ftrace_ret_stack");
      graph =
          Optional.of(
              new Graph(
                  graphCode.get(),
                  task.offsetOf("ret_stack"),
                  task.offsetOf("curr_ret_stack"),
                  task.pointee("ret_stack").isEmpty(),
                  frame.size(),
                  frame.offsetOf("ret"),
                  frame.offsetOf("retp")));
    } else {
      graphCode.ifPresent(unknown::add);
    }
    Optional<Rethook> rethook = Optional.empty();
    if (rethookCode.isPresent() && task.find("rethooks").isPresent()) {
      StructLayout node = types.struct("rethook_node");
      rethook =
          Optional.of(
              new Rethook(
                  rethookCode.get(),
                  task.offsetOf("rethooks"),
                  node.offsetOf("llist"),
                  node.offsetOf("ret_addr"),
                  node.offsetOf("frame"),
                  node.size()));
    } else {
      rethookCode.ifPresent(unknown::add);
    }
    return new Layout(graph, rethook, unknown);
  }

  private static Optional<AddressRange> text(SymbolTable symbols, String name) {
    return symbols.find(name).map(symbols::range);
  }

  /** Whether an address lies in the code of a trampoline, or is one. */
  boolean isTrampoline(long address) {
    return layout.graph().map(graph -> graph.trampoline().contains(address)).orElse(false)
        || layout.rethook().map(hook -> hook.trampoline().contains(address)).orElse(false)
        || layout.unknown().stream().anyMatch(range -> range.contains(address));
  }

  /** The code of all trampolines. */
  List<AddressRange> trampolines() {
    List<AddressRange> found = new ArrayList<>(layout.unknown());
    layout.graph().ifPresent(graph -> found.add(graph.trampoline()));
    layout.rethook().ifPresent(hook -> found.add(hook.trampoline()));
    return found;
  }

  /** A task with no hijacked returns. */
  OrcUnwinder.Hijacks none() {
    return new Returns(List.of(), List.of());
  }

  /**
   * The return addresses that tracers keep of a task.
   *
   * @throws MalformedDataException if they are kept in no order that is known
   * @throws org.lucos.bridge.memory.MemoryFaultException if they lead out of memory
   */
  Returns of(long task) {
    List<Taken> graph = new ArrayList<>();
    List<Taken> hooks = new ArrayList<>();
    if (layout.graph().isPresent()) {
      readGraph(layout.graph().get(), task, graph);
    }
    if (layout.rethook().isPresent()) {
      readRethooks(layout.rethook().get(), task, hooks);
    }
    return new Returns(graph, hooks);
  }

  private void readGraph(Graph graph, long task, List<Taken> found) {
    long stack = memory.u64(at(task + graph.stack()));
    int index = memory.i32(at(task + graph.index()));
    if (stack == 0) {
      return;
    }
    long frames = graph.words() ? index : index + 1L;
    if (frames < 0 || frames > MOST_RETURNS) {
      throw new MalformedDataException(SOURCE, task, "absurd curr_ret_stack: " + index);
    }
    int unit = graph.words() ? 8 : (int) graph.frameSize();
    byte[] bytes = memory.bytes(at(stack), (int) frames * unit);
    ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (!graph.words()) {
      for (int i = (int) frames - 1; i >= 0; i--) {
        take(data, i * unit, graph.ret(), graph.slot(), found);
      }
      return;
    }
    int top = (int) frames;
    int frameWords = (int) (graph.frameSize() / 8);
    while (top > 0) {
      int distance = (int) (data.getLong((top - 1) * 8) & FRAME_DISTANCE);
      int frame = top - 1 - distance;
      if (distance < frameWords || frame < 0) {
        throw new MalformedDataException(SOURCE, stack + 8L * top, "no frame below");
      }
      take(data, frame * 8, graph.ret(), graph.slot(), found);
      top = frame;
    }
  }

  private static void take(ByteBuffer data, int frame, long ret, long slot, List<Taken> found) {
    found.add(new Taken(data.getLong(frame + (int) slot), data.getLong(frame + (int) ret)));
  }

  private void readRethooks(Rethook hook, long task, List<Taken> found) {
    Set<Long> seen = new HashSet<>();
    long link = memory.u64(at(task + hook.head()));
    while (link != 0) {
      if (!seen.add(link) || seen.size() > MOST_RETURNS) {
        throw new MalformedDataException(SOURCE, link, "list of rethooks does not end");
      }
      byte[] node = memory.bytes(at(link - hook.link()), (int) hook.size());
      ByteBuffer data = ByteBuffer.wrap(node).order(ByteOrder.LITTLE_ENDIAN);
      take(data, 0, hook.ret(), hook.slot(), found);
      link = data.getLong((int) hook.link());
    }
  }

  private static GuestVirtualAddress at(long address) {
    return new GuestVirtualAddress(address);
  }

  /**
   * A return address taken.
   *
   * @param slot the word of the stack it was in
   * @param address what the word held
   */
  record Taken(long slot, long address) {}

  /** What tracers keep of one task, latest first. */
  final class Returns implements OrcUnwinder.Hijacks {
    private final List<Taken> graph;
    private final List<Taken> hooks;

    private Returns(List<Taken> graph, List<Taken> hooks) {
      this.graph = graph;
      this.hooks = hooks;
    }

    /** Every address kept, whichever tracer's. */
    List<Taken> all() {
      List<Taken> all = new ArrayList<>(graph);
      all.addAll(hooks);
      return all;
    }

    @Override
    public boolean isTrampoline(long address) {
      return ReturnHijacks.this.isTrampoline(address);
    }

    @Override
    public OptionalLong truth(long trampoline, long slot) {
      if (starts(layout.graph().map(Graph::trampoline), trampoline)) {
        return find(graph, trampoline, slot);
      }
      if (starts(layout.rethook().map(Rethook::trampoline), trampoline)) {
        return find(hooks, trampoline, slot);
      }
      return OptionalLong.empty();
    }

    private boolean starts(Optional<AddressRange> code, long address) {
      return code.map(range -> range.start().value() == address).orElse(false);
    }

    /** After a tail call, two entries have one slot; the later then holds the trampoline. */
    private OptionalLong find(List<Taken> taken, long trampoline, long slot) {
      return taken.stream()
          .filter(entry -> entry.slot() == slot && entry.address() != trampoline)
          .mapToLong(Taken::address)
          .findFirst();
    }
  }
}
