package org.lucos.bridge.qemu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.bridge.qemu.RspException.Kind;
import org.lucos.bridge.vcpu.VcpuRegisters;

/**
 * A session with QEMU's gdbstub. Connecting stops the guest; {@link #resume} and {@link #stop} then
 * alternate on the same connection. Memory is addressed physically, because a vCPU stopped in user
 * mode may have no mapping of the kernel.
 *
 * <p>What is relied on, all in QEMU's gdbstub ({@code gdb_chr_event}, {@code gdb_read_byte}, {@code
 * gdb_vm_state_change}, {@code gdb_memory_rw_debug}): a connection and any byte sent to a running
 * guest stop all vCPUs before the next byte is looked at; a stop of a running guest is reported by
 * a packet {@code T..}, a stop of a stopped one is not; {@code D} and {@code c} let it run; closing
 * the socket changes nothing.
 */
final class GdbStub implements AutoCloseable {
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(5);

  /** A stop flushes the guest's disks first. */
  private static final Duration STOP_LIMIT = Duration.ofSeconds(10);

  /** QEMU takes packets up to 4 KiB; a byte is two digits. */
  private static final int MOST_BYTES_PER_PACKET = 1500;

  /** QEMU cuts pieces of a file to half a packet anyway. */
  private static final int FILE_PIECE = 2000;

  private static final int MOST_XFER_BYTES = 1 << 20;
  private static final String PHYSICAL_ON = "Qqemu.PhyMemMode:1";
  private static final String PHYSICAL_OFF = "Qqemu.PhyMemMode:0";

  private final RspConnection connection;
  private boolean stoppedByConnecting;
  private boolean held;
  private List<String> threads = List.of();

  /** Whether the stub's last packet has not been followed by one of ours. */
  private boolean unacknowledged;

  /** Whether the guest stands and the stub has not got to what was ordered behind the stop. */
  private boolean stopping;

  /** What was asked together with the stop and not answered yet. */
  private List<String> early = List.of();

  private Map<String, String> description = Map.of();
  private Optional<RegisterLayout> layout = Optional.empty();

  private GdbStub(RspConnection connection) {
    this.connection = connection;
  }

  /** Connects, which stops the guest, and makes the session fit for {@link #write}. */
  static GdbStub open(Path socket) throws IOException {
    GdbStub stub = new GdbStub(RspConnection.open(socket));
    try {
      stub.handshake();
    } catch (IOException e) {
      stub.close();
      throw e;
    }
    return stub;
  }

  private void handshake() throws IOException {
    connection.send(List.of("qSupported"), STOP_LIMIT);
    String answer = connection.receive(STOP_LIMIT);
    if (RspAnswers.isStop(answer)) {
      stoppedByConnecting = true;
      answer = connection.receive(STOP_LIMIT);
    }
    if (!answer.contains("qXfer:features:read+")) {
      throw new RspException(Kind.MALFORMED, "gdbstub describes no registers: " + answer);
    }
    setHeld(true);
    RspAnswers.expectOk(PHYSICAL_ON, ask(List.of(PHYSICAL_ON)).get(0));
  }

  /**
   * Learns how the stub describes registers, so that the first {@link #registers} is as fast as
   * any.
   */
  void learnRegisters() throws IOException {
    description = RegisterLayout.fetch(this::feature);
    threads = listThreads();
  }

  /** Understands what {@link #learnRegisters} has learnt: takes long, needs no stopped guest. */
  void prepareRegisters() throws IOException {
    layout = Optional.of(RegisterLayout.parse(description));
  }

  /**
   * Whether connecting found the guest running. Since QEMU 8.1 a stop by connecting is not
   * reported, so that false then means nothing.
   */
  boolean stoppedByConnecting() {
    return stoppedByConnecting;
  }

  /** Whether the guest is stopped by this session. */
  boolean held() {
    return held;
  }

  /** The registers of all vCPUs of the stopped guest, in the order of their indexes. */
  List<VcpuRegisters> registers() throws IOException {
    if (layout.isEmpty()) {
      learnRegisters();
      prepareRegisters();
    }
    requireHeld();
    List<String> now = threads;
    int listing = VcpuThreads.questions(threads.size()).size();
    List<String> commands = VcpuThreads.registers(now);
    if (early.isEmpty()) {
      early = registerQuestions();
      connection.send(early, ANSWER_LIMIT);
    }
    List<String> answers = collectEarly();
    Optional<List<String>> listed = VcpuThreads.in(answers.subList(0, listing));
    answers = answers.subList(listing, answers.size());
    if (listed.isEmpty() || !listed.get().equals(now)) {
      now = listThreads();
      threads = now;
      commands = VcpuThreads.registers(now);
      answers = ask(commands);
    }
    RegisterLayout places = layout.orElseThrow();
    List<VcpuRegisters> registers = new ArrayList<>();
    for (int i = 0; i < now.size(); i++) {
      RspAnswers.expectOk(commands.get(2 * i), answers.get(2 * i));
      // QEMU numbers threads by vCPU index, from 1.
      int index = Integer.parseInt(now.get(i), 16) - 1;
      registers.add(places.decode(index, answers.get(2 * i + 1)));
    }
    registers.sort(Comparator.comparingInt(VcpuRegisters::index));
    return List.copyOf(registers);
  }

  /** Mostly there are the vCPUs there were: then one wait will do for all. */
  private List<String> registerQuestions() {
    List<String> questions = VcpuThreads.questions(threads.size());
    questions.addAll(VcpuThreads.registers(threads));
    return questions;
  }

  /** The answers to what was asked together with the stop. */
  private List<String> collectEarly() throws IOException {
    endStop();
    List<String> answers = new ArrayList<>(early.size());
    while (answers.size() < early.size()) {
      answers.add(received());
    }
    early = List.of();
    return answers;
  }

  /** Reads physical memory; what is not RAM reads as whatever QEMU makes of it. */
  byte[] read(long physical, int length) throws IOException {
    byte[] result = new byte[length];
    for (int at = 0; at < length; at += MOST_BYTES_PER_PACKET) {
      int size = Math.min(MOST_BYTES_PER_PACKET, length - at);
      String command = "m" + hex(physical + at) + "," + hex(size);
      byte[] part = RspAnswers.unhex(command, ask(List.of(command)).get(0));
      if (part.length != size) {
        throw new RspException(Kind.MALFORMED, "short answer: command=" + command);
      }
      System.arraycopy(part, 0, result, at, size);
    }
    return result;
  }

  /**
   * One write to physical memory.
   *
   * @param physical the first address; must be RAM: QEMU drops a write elsewhere without a word
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Write(long physical, byte[] bytes) {}

  /** Writes in the order given, with one wait for all. */
  void write(List<Write> writes) throws IOException {
    List<String> commands = new ArrayList<>();
    for (Write write : writes) {
      for (int at = 0; at < write.bytes().length; at += MOST_BYTES_PER_PACKET) {
        int size = Math.min(MOST_BYTES_PER_PACKET, write.bytes().length - at);
        commands.add(
            "M"
                + hex(write.physical() + at)
                + ","
                + hex(size)
                + ":"
                + HexFormat.of().formatHex(write.bytes(), at, at + size));
      }
    }
    List<String> answers = ask(commands);
    for (int i = 0; i < answers.size(); i++) {
      RspAnswers.expectOk(commands.get(i), answers.get(i));
    }
  }

  /** As {@link #stop(boolean)}, without asking for registers. */
  boolean stop() throws IOException {
    return stop(false);
  }

  /**
   * Stops the guest.
   *
   * @param registers whether to ask for {@link #registers()} in the same go: they are then fetched,
   *     and disks flushed, while the caller does other things
   * @return whether it was running; false means that somebody else had stopped it before
   */
  boolean stop(boolean registers) throws IOException {
    if (held) {
      throw new IllegalStateException("the guest is stopped already");
    }
    while (true) {
      Optional<String> waiting = connection.poll(); // a stop by somebody else, since we resumed
      if (waiting.isEmpty()) {
        break;
      }
      RspAnswers.refuseExit(waiting.get());
      unacknowledged = true;
    }
    List<String> asked = registers && layout.isPresent() ? registerQuestions() : List.of();
    List<String> orders = new ArrayList<>(List.of(PHYSICAL_ON));
    orders.addAll(asked);
    connection.interrupt(unacknowledged, orders, STOP_LIMIT);
    String answer = connection.receive(STOP_LIMIT);
    boolean wasRunning = RspAnswers.isStop(answer);
    if (!wasRunning) {
      RspAnswers.refuseExit(answer);
      RspAnswers.expectOk(PHYSICAL_ON, answer);
    }
    stopping = wasRunning;
    setHeld(true);
    early = asked;
    if (asked.isEmpty()) {
      endStop();
    }
    return wasRunning;
  }

  /**
   * Waits for the rest of a stop: the vCPUs stand since the stub has told of it, but what was
   * ordered behind is done when the guest's disks are flushed too. Until then memory can be read.
   */
  private void endStop() throws IOException {
    if (stopping) {
      stopping = false;
      RspAnswers.expectOk(PHYSICAL_ON, received(STOP_LIMIT));
    }
  }

  /** Lets the guest run; returns when QEMU has taken the order. */
  void resume() throws IOException {
    requireHeld();
    collectEarly();
    connection.send(List.of(PHYSICAL_OFF, "c"), ANSWER_LIMIT);
    RspAnswers.expectOk(PHYSICAL_OFF, received());
    connection.awaitAcknowledgement(ANSWER_LIMIT);
    unacknowledged = false; // the order to run has followed the last answer
    setHeld(false);
  }

  /** Lets the guest run and ends the session. */
  void detach() throws IOException {
    requireHeld();
    List<String> commands = List.of(PHYSICAL_OFF, "D;1");
    List<String> answers = ask(commands);
    for (int i = 0; i < answers.size(); i++) {
      RspAnswers.expectOk(commands.get(i), answers.get(i));
    }
    setHeld(false);
    connection.close();
  }

  /** Gives up the hold on a guest that somebody else had stopped: it stays stopped. */
  void release() throws IOException {
    requireHeld();
    RspAnswers.expectOk(PHYSICAL_OFF, ask(List.of(PHYSICAL_OFF)).get(0));
    unacknowledged = true;
    setHeld(false);
  }

  private List<String> listThreads() throws IOException {
    List<String> answers = new ArrayList<>();
    List<String> questions = VcpuThreads.questions(threads.size());
    while (true) {
      answers.addAll(ask(questions));
      Optional<List<String>> found = VcpuThreads.in(answers);
      if (found.isPresent()) {
        return found.get();
      }
      questions = List.of("qsThreadInfo");
    }
  }

  /** A file of the target description, in as many pieces as it takes. */
  private String feature(String name) throws IOException {
    StringBuilder text = new StringBuilder();
    while (text.length() < MOST_XFER_BYTES) {
      String command =
          "qXfer:features:read:" + name + ":" + hex(text.length()) + "," + hex(FILE_PIECE);
      String answer = ask(List.of(command)).get(0);
      if (answer.isEmpty() || (answer.charAt(0) != 'l' && answer.charAt(0) != 'm')) {
        throw new RspException(Kind.REFUSED, "gdbstub has no such file: " + name);
      }
      text.append(answer, 1, answer.length());
      if (answer.charAt(0) == 'l') {
        return new String(
            text.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
      }
      if (answer.length() == 1) {
        break;
      }
    }
    throw new RspException(Kind.MALFORMED, "endless target description: " + name);
  }

  private List<String> ask(List<String> commands) throws IOException {
    requireHeld();
    collectEarly();
    connection.send(commands, ANSWER_LIMIT);
    List<String> answers = new ArrayList<>(commands.size());
    while (answers.size() < commands.size()) {
      answers.add(received());
    }
    return answers;
  }

  private String received() throws IOException {
    return received(ANSWER_LIMIT);
  }

  private String received(Duration limit) throws IOException {
    String answer = connection.receive(limit);
    if (RspAnswers.isStop(answer)) {
      // Our byte stopped a guest that should have been stopped: the command is lost.
      throw new RspException(
          Kind.RESUMED_BY_OTHER, "the guest was resumed by somebody else while it was held");
    }
    RspAnswers.refuseExit(answer);
    return answer;
  }

  private static String hex(long value) {
    return Long.toHexString(value);
  }

  private void setHeld(boolean now) {
    held = now;
    connection.spin(now);
  }

  private void requireHeld() {
    if (!held) {
      throw new IllegalStateException("the guest is not stopped");
    }
  }

  /** Drops the connection; the guest stays as it is. */
  @Override
  public void close() throws IOException {
    connection.close();
  }
}
