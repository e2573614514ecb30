package org.lucos.tests.guest;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;

/**
 * Drives a root shell behind a serial port. The shell is first replaced by a loop ({@code
 * vm-images/console-loop.sh}) that takes one request a line and answers with one line: number,
 * status, and what the command wrote, compressed and in base64. Each answer carries gzip's
 * checksum; one that noise has damaged is asked for again. Commands run one at a time.
 */
final class GuestShell implements AutoCloseable {
  private static final Pattern ANSWER = Pattern.compile("@lucos:(\\d+):(\\d+):([^:]*):([^:]*):end");
  private static final String READY = "@lucos:ready";
  private static final Pattern PROMPT = Pattern.compile("[#$] (\u001b\\[6n)?$");
  private static final Duration LOOK_EVERY = Duration.ofMillis(200);
  private static final Duration FIRST_POKE = Duration.ofSeconds(1);
  private static final Duration LAST_POKE = Duration.ofSeconds(16);
  private static final Duration GRACE = Duration.ofSeconds(10);
  private static final Duration SEND_LIMIT = Duration.ofSeconds(60);
  private static final int REPEATS = 50;
  private static final String INTERRUPT = "\u0003\n";

  private final SocketChannel channel;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final Thread reader;
  private final ExecutorService writer = Executors.newSingleThreadExecutor(GuestShell::daemon);

  /** What came after the last newline: a prompt has none. */
  private volatile String unfinishedLine = "";

  private long lastId;
  private boolean lost;

  private sealed interface Event {
    record Line(String text) implements Event {}

    record Closed(String why) implements Event {}
  }

  /** The port gave no usable answer: time was up, or the guest is gone. */
  static final class NoAnswerException extends Exception {
    private static final long serialVersionUID = 1;

    NoAnswerException(String message) {
      super(message);
    }
  }

  private GuestShell(SocketChannel channel) {
    this.channel = channel;
    this.reader = daemon(this::readLines);
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "guest-shell");
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Connects to the port's socket and waits until the shell answers; a guest may still be booting.
   */
  static GuestShell connect(Path socket, Duration limit) throws NoAnswerException, IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    GuestShell shell = new GuestShell(channel);
    shell.reader.start();
    try {
      shell.greet(Files.readString(Repository.root().resolve("vm-images/console-loop.sh")), limit);
    } catch (NoAnswerException | RuntimeException e) {
      shell.close();
      throw e;
    }
    return shell;
  }

  /**
   * Waits for the shell's prompt and replaces the shell by the loop. Nothing but newlines is sent
   * before there is a prompt, and those ever more seldom: a port that is flooded while the guest
   * boots loses interrupts, the sooner the slower the guest, and a control character would end the
   * login. A loop that is there already answers a newline.
   */
  private void greet(String script, Duration limit) throws NoAnswerException {
    long end = System.nanoTime() + limit.toNanos();
    Duration patience = FIRST_POKE;
    while (System.nanoTime() < end) {
      send("\n");
      long round = Math.min(end, System.nanoTime() + patience.toNanos());
      boolean prompted = false;
      while (!prompted && System.nanoTime() < round) {
        if (hears(READY, Math.min(round, System.nanoTime() + LOOK_EVERY.toNanos()))) {
          return;
        }
        prompted = PROMPT.matcher(unfinishedLine).find();
      }
      if (prompted) {
        send("exec sh -c \"$(echo " + encode(script) + " | base64 -d)\"\n");
        if (hears(READY, Math.min(end, System.nanoTime() + GRACE.toNanos()))) {
          return;
        }
      } else if (patience.compareTo(LAST_POKE) < 0) {
        patience = patience.multipliedBy(2);
      }
    }
    throw new NoAnswerException("the shell does not answer within " + limit);
  }

  private boolean hears(String text, long end) throws NoAnswerException {
    for (Optional<String> line = next(end); line.isPresent(); line = next(end)) {
      if (line.get().contains(text)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Runs a command in a shell of its own and waits for its end. A command that is not over in time
   * is interrupted; what it had written is part of the message.
   */
  synchronized CommandResult run(String command, Duration limit) throws NoAnswerException {
    if (lost) {
      throw new NoAnswerException("the shell was lost in an earlier command");
    }
    long id = ++lastId;
    long start = System.nanoTime();
    send("run " + id + " " + encode(command) + "\n");
    Optional<CommandResult> result = answer(id, command, start, start + limit.toNanos());
    if (result.isPresent()) {
      return result.get();
    }
    send(INTERRUPT);
    Optional<CommandResult> late = answer(id, command, start, System.nanoTime() + GRACE.toNanos());
    lost = late.isEmpty();
    throw new NoAnswerException(
        "not over within "
            + limit
            + late.map(r -> "; it had written:\n" + r.stdout() + r.stderr())
                .orElse("; it does not react to an interrupt either"));
  }

  /**
   * Whether no other command can be run: the console is gone, or a command did not end even when
   * interrupted.
   */
  synchronized boolean isLost() {
    return lost;
  }

  private Optional<CommandResult> answer(long id, String command, long start, long end)
      throws NoAnswerException {
    int repeats = 0;
    for (Optional<String> line = next(end); line.isPresent(); line = next(end)) {
      Matcher matcher = ANSWER.matcher(line.get());
      boolean ours = matcher.find() && matcher.group(1).equals(Long.toString(id));
      if (ours) {
        try {
          return Optional.of(
              new CommandResult(
                  command,
                  Integer.parseInt(matcher.group(2)),
                  decode(matcher.group(3)),
                  decode(matcher.group(4)),
                  Duration.ofNanos(System.nanoTime() - start)));
        } catch (IOException | IllegalArgumentException damaged) {
          ours = false;
        }
      }
      if (!ours && line.get().contains("@lucos:" + id + ":")) {
        if (++repeats > REPEATS) {
          throw new NoAnswerException("the answer came damaged " + repeats + " times");
        }
        send("again " + id + "\n");
      }
    }
    return Optional.empty();
  }

  private Optional<String> next(long end) throws NoAnswerException {
    try {
      Event event = events.poll(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
      if (event instanceof Event.Closed closed) {
        events.add(closed);
        lost = true;
        throw new NoAnswerException("the guest closed its console: " + closed.why());
      }
      return event instanceof Event.Line line ? Optional.of(line.text()) : Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new NoAnswerException("interrupted");
    }
  }

  private void readLines() {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    StringBuilder line = new StringBuilder();
    try {
      while (channel.read(buffer) >= 0) {
        buffer.flip();
        while (buffer.hasRemaining()) {
          char c = (char) (buffer.get() & 0xFF);
          if (c == '\n') {
            events.add(new Event.Line(line.toString()));
            line.setLength(0);
          } else if (c != '\r') {
            line.append(c);
          }
        }
        unfinishedLine = line.substring(Math.max(0, line.length() - 80));
        buffer.clear();
      }
      events.add(new Event.Closed("end of stream"));
    } catch (IOException e) {
      events.add(new Event.Closed(e.toString()));
    }
  }

  private void send(String text) throws NoAnswerException {
    Future<?> sent = writer.submit(() -> write(text));
    try {
      sent.get(SEND_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      lost = true;
      throw new NoAnswerException("the guest's console takes no input: " + e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new NoAnswerException("interrupted");
    }
  }

  private void write(String text) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String encode(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String decode(String base64) throws IOException {
    byte[] packed = Base64.getDecoder().decode(base64);
    try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(packed))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Gives the port free for another client; the loop in the guest stays. */
  @Override
  public void close() {
    try {
      channel.close();
      writer.shutdown();
      reader.join();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
