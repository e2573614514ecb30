package org.lucos.patcher.consistency;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.BtfTypes;
import org.lucos.patcher.kernel.Field;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.kernel.SymbolTable;

/**
 * Reads the task list again, fast, when most of its tasks are known already: what is needed of all
 * known tasks comes with one read, and the lists are then followed in that copy. Tasks that are new
 * are read one by one; tasks that are gone are simply not on the way.
 *
 * <p>Not every list that could be is followed: idle tasks must be known, and who calls must see to
 * it that no CPU has come since. Names are those of when a task was learnt.
 */
final class TaskRoster {
  private static final String SOURCE = "guest task list";

  /** More tasks than this come into being between two looks only if a list does not end. */
  private static final int MOST_NEW = 1 << 15;

  /** Fields closer to each other than this are read in one piece. */
  private static final long NEAR = 512;

  private final GuestMemory memory;
  private final Layout layout;
  private final LongFunction<TaskStack> newTask;
  private final Map<Long, Row> rows = new LinkedHashMap<>();
  private int visit;
  private int stepsLeft;

  /**
   * Where things are.
   *
   * @param pieces the runs of bytes of a {@code task_struct} that are read, one after the other
   * @param pid where in these bytes its number is
   * @param running where {@code on_cpu} is
   * @param stack where the stack's lowest address is
   * @param savedSp where {@code thread.sp} is
   * @param next where {@code tasks.next} is
   * @param nextThread where {@code thread_node.next} is
   * @param signal where the pointer to the {@code signal_struct} is
   * @param voluntary where {@code nvcsw} is; read before everything else of the task
   * @param involuntary where {@code nivcsw} is; likewise
   * @param born where {@code start_time} is
   * @param node the offset of {@code tasks} in {@code task_struct}
   * @param threadNode the offset of {@code thread_node} in it
   * @param threads the offset of {@code thread_head} in {@code signal_struct}
   * @param initTask the address of {@code init_task}
   */
  record Layout(
      List<Piece> pieces,
      int pid,
      int running,
      int stack,
      int savedSp,
      int next,
      int nextThread,
      int signal,
      int voluntary,
      int involuntary,
      int born,
      long node,
      long threadNode,
      long threads,
      long initTask) {

    /** A run of bytes. */
    record Piece(long offset, int size) {}

    Layout {
      pieces = List.copyOf(pieces);
    }

    static Layout of(SymbolTable symbols, BtfTypes types) {
      StructLayout task = types.struct("task_struct");
      Field pid = task.field("pid");
      Field running = task.field("on_cpu");
      Field stack = task.field("stack");
      Field savedSp = task.field("thread.sp");
      Field next = task.field("tasks.next");
      Field nextThread = task.field("thread_node.next");
      Field signal = task.field("signal");
      Field voluntary = task.field("nvcsw");
      Field involuntary = task.field("nivcsw");
      Field born = task.field("start_time");
      // whether a task rests is told by counts that are older than all else that is known of it
      List<Piece> pieces = new ArrayList<>(pieces(List.of(voluntary, involuntary, born)));
      pieces.addAll(pieces(List.of(pid, running, stack, savedSp, next, nextThread, signal)));
      return new Layout(
          pieces,
          position(pieces, pid),
          position(pieces, running),
          position(pieces, stack),
          position(pieces, savedSp),
          position(pieces, next),
          position(pieces, nextThread),
          position(pieces, signal),
          position(pieces, voluntary),
          position(pieces, involuntary),
          position(pieces, born),
          next.offset(),
          nextThread.offset(),
          types.struct("signal_struct").offsetOf("thread_head"),
          symbols.address("init_task").value());
    }

    private static List<Piece> pieces(List<Field> wanted) {
      List<Field> fields = new ArrayList<>(wanted);
      fields.sort(Comparator.comparingLong(Field::offset));
      List<Piece> pieces = new ArrayList<>();
      long from = fields.get(0).offset();
      long to = from;
      for (Field field : fields) {
        if (field.offset() - to > NEAR) {
          pieces.add(new Piece(from, (int) (to - from)));
          from = field.offset();
        }
        to = Math.max(to, field.offset() + field.size());
      }
      pieces.add(new Piece(from, (int) (to - from)));
      return pieces;
    }

    private static int position(List<Piece> pieces, Field field) {
      int before = 0;
      for (Piece piece : pieces) {
        long inside = field.offset() - piece.offset();
        if (inside >= 0 && inside < piece.size()) {
          return before + (int) inside;
        }
        before += piece.size();
      }
      throw new IllegalArgumentException("not read: " + field);
    }

    int size() {
      return pieces.stream().mapToInt(Piece::size).sum();
    }
  }

  /** What was read of one task. */
  private static final class Row {
    private final TaskStack learnt;
    private final ByteBuffer data;

    /** What to read of the task itself. */
    private final List<GuestMemory.Slice> pieces = new ArrayList<>();

    /** The beginning of the list of its threads, read from {@code headOf} if that is not 0. */
    private final ByteBuffer head = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);

    private long headOf;
    private int visit;

    Row(TaskStack learnt, Layout layout) {
      this.learnt = learnt;
      this.data = ByteBuffer.allocate(layout.size()).order(ByteOrder.LITTLE_ENDIAN);
      int at = 0;
      for (Layout.Piece piece : layout.pieces()) {
        pieces.add(slice(learnt.task() + piece.offset(), data.array(), at, piece.size()));
        at += piece.size();
      }
    }

    private long word(int position) {
      return data.getLong(position);
    }

    private boolean isStill(Layout layout) {
      return data.getInt(layout.pid()) == learnt.pid() && word(layout.born()) == learnt.born();
    }

    private TaskStack task(Layout layout) {
      return new TaskStack(
          learnt.task(),
          learnt.pid(),
          learnt.name(),
          word(layout.stack()),
          learnt.size(),
          word(layout.savedSp()),
          data.getInt(layout.running()) != 0,
          word(layout.voluntary()) + word(layout.involuntary()),
          learnt.born());
    }
  }

  TaskRoster(GuestMemory memory, Layout layout, LongFunction<TaskStack> newTask) {
    this.memory = memory;
    this.layout = layout;
    this.newTask = newTask;
  }

  /** Takes these tasks for the known ones. */
  void learn(List<TaskStack> tasks) {
    rows.clear();
    for (TaskStack task : tasks) {
      rows.put(task.task(), new Row(task, layout));
    }
  }

  /**
   * Every task that is listed now, and the known idle ones.
   *
   * @throws MalformedDataException if the lists do not end or lead astray
   * @throws org.lucos.bridge.memory.MemoryFaultException if they lead out of memory
   */
  List<TaskStack> now() {
    read(rows.values());
    visit++;
    stepsLeft = 2 * (rows.size() + MOST_NEW);
    List<TaskStack> found = new ArrayList<>(rows.size());
    for (Row row : rows.values()) {
      if (row.learnt.pid() == 0) {
        add(row, found);
      }
    }
    Row initial = row(layout.initTask());
    Row leader = row(initial.word(layout.next()) - layout.node());
    while (leader != initial) {
      add(leader, found);
      threads(leader, found);
      leader = row(leader.word(layout.next()) - layout.node());
    }
    rows.values().removeIf(row -> row.visit != visit);
    return found;
  }

  private void threads(Row leader, List<TaskStack> found) {
    long signal = leader.word(layout.signal());
    if (signal == 0) {
      return; // just being released: it has no threads any more
    }
    long head = signal + layout.threads();
    long link = head == leader.headOf ? leader.head.getLong(0) : first(head);
    leader.headOf = head;
    while (link != head) {
      Row thread = row(link - layout.threadNode());
      if (thread != leader) {
        add(thread, found);
      }
      link = thread.word(layout.nextThread());
    }
  }

  private long first(long head) {
    requirePointer(head);
    return memory.u64(new GuestVirtualAddress(head));
  }

  /** The row of a task; a task that was not known is read now. */
  private Row row(long task) {
    requirePointer(task);
    if (--stepsLeft < 0) {
      throw new MalformedDataException(SOURCE, task, "lists of tasks do not end");
    }
    Row row = rows.get(task);
    if (row == null) {
      row = new Row(newTask.apply(task), layout);
      rows.put(task, row);
      read(List.of(row));
    }
    return row;
  }

  private static void requirePointer(long pointer) {
    if (pointer >= 0 || (pointer & 7) != 0) {
      throw new MalformedDataException(SOURCE, pointer, "no kernel pointer");
    }
  }

  /** Adds a task where the lists pass it; none passes twice. */
  private void add(Row row, List<TaskStack> found) {
    if (row.visit == visit) {
      throw new MalformedDataException(SOURCE, row.learnt.task(), "list of tasks does not end");
    }
    row.visit = visit;
    // its memory may have become another task's
    found.add(row.isStill(layout) ? row.task(layout) : newTask.apply(row.learnt.task()));
  }

  /**
   * These tasks again, whether they are listed or not, in one read; left out are those that are not
   * known or whose memory has become another task's.
   *
   * @param first is read before any of them
   */
  List<TaskStack> again(Collection<Long> structs, List<GuestMemory.Slice> first) {
    List<Row> wanted = new ArrayList<>(structs.size());
    for (long struct : structs) {
      Row row = rows.get(struct);
      if (row != null) {
        wanted.add(row);
      }
    }
    List<GuestMemory.Slice> slices = new ArrayList<>(first.size() + wanted.size() * 4);
    slices.addAll(first);
    wanted.forEach(row -> slices.addAll(row.pieces));
    memory.readAll(slices);
    List<TaskStack> found = new ArrayList<>(wanted.size());
    for (Row row : wanted) {
      if (row.isStill(layout)) {
        found.add(row.task(layout));
      }
    }
    return found;
  }

  /** Reads what is wanted of all these, with one call. */
  private void read(Collection<Row> wanted) {
    List<GuestMemory.Slice> slices = new ArrayList<>(wanted.size() * 5);
    for (Row row : wanted) {
      slices.addAll(row.pieces);
      if (row.headOf != 0) {
        slices.add(slice(row.headOf, row.head.array(), 0, 8));
      }
    }
    memory.readAll(slices);
  }

  private static GuestMemory.Slice slice(long at, byte[] into, int offset, int size) {
    return new GuestMemory.Slice(new GuestVirtualAddress(at), into, offset, size);
  }
}
