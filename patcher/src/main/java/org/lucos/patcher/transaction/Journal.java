package org.lucos.patcher.transaction;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a controller is about to do to a guest, on this host's disk before it does it. There is a
 * file only as long as an operation is not over; whoever finds one and holds the guest's lock knows
 * that the controller has died. Each line is a checksum and JSON, and is synced before the step
 * that it announces: a last line without an end announces a step that was not begun.
 */
public final class Journal implements AutoCloseable {
  /** The only format so far. */
  public static final int FORMAT = 1;

  private static final Logger LOG = LoggerFactory.getLogger(Journal.class);
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final Path directory;
  private final Path file;
  private final FileChannel channel;
  private final InstantSource clock;
  private long end;

  private Journal(Path directory, Path file, FileChannel channel, long end, InstantSource clock) {
    this.end = end;
    this.directory = directory;
    this.file = file;
    this.channel = channel;
    this.clock = clock;
  }

  /**
   * One operation.
   *
   * @param format {@value #FORMAT}
   * @param kind {@code apply}, {@code revert} or {@code replace}
   * @param guest name of the guest
   * @param boot of the guest, see {@link org.lucos.patcher.kernel.KernelIdentity#boot}
   * @param began when, ISO-8601
   * @param pid of the controller
   * @param leaving patches that are taken out, each before those that it lies on
   * @param coming patches that are put in, each before those that lie on it
   */
  public record Operation(
      int format,
      String kind,
      String guest,
      String boot,
      String began,
      long pid,
      List<Entry> leaving,
      List<Entry> coming) {
    /** Copies the lists. */
    public Operation {
      leaving = List.copyOf(leaving);
      coming = List.copyOf(coming);
    }

    /** For people: {@code apply of a, b}. */
    public String describe() {
      List<String> names = new ArrayList<>();
      (coming.isEmpty() ? leaving : coming).forEach(entry -> names.add(entry.patch()));
      return kind + " of " + String.join(", ", names);
    }
  }

  /**
   * A patch of an operation.
   *
   * @param patch its name
   * @param module that holds its code in the guest
   * @param bundle digest of the bundle; empty for one that leaves
   * @param jumps how many of its jumps are in place before a switch that takes it out, and behind
   *     one that puts it in
   */
  public record Entry(String patch, String module, String bundle, int jumps) {}

  /**
   * A step of an operation.
   *
   * @param at when, ISO-8601
   * @param step its name
   * @param done whether it is over; else it is about to begin
   */
  public record Step(String at, String step, boolean done) {}

  /** What is known of an operation that was not finished. */
  public record Unfinished(Operation operation, List<Step> steps) {
    /** Copies the list. */
    public Unfinished {
      steps = List.copyOf(steps);
    }

    /** Each step that was begun, and whether it came to its end. */
    public List<Step> begun() {
      List<Step> begun = new ArrayList<>();
      for (Step step : steps) {
        int last = begun.size() - 1;
        if (step.done() && last >= 0 && begun.get(last).step().equals(step.step())) {
          begun.set(last, new Step(begun.get(last).at(), step.step(), true));
        } else {
          begun.add(step);
        }
      }
      return begun;
    }
  }

  /**
   * Begins an operation: when this returns, its record is on disk.
   *
   * @param state the directory of this host's records
   * @throws RefusedException with {@link HostRefusal.JournalNotWritable}
   */
  public static Journal begin(Path state, UUID guest, Operation operation, InstantSource clock) {
    Path file = file(state, guest);
    try {
      Path directory = Files.createDirectories(directory(state));
      Path draft = Files.createTempFile(directory, ".journal", ".tmp");
      FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE);
      try {
        long end = append(channel, 0, operation);
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
        sync(directory);
        return new Journal(directory, file, channel, end, clock);
      } catch (IOException e) {
        channel.close();
        Files.deleteIfExists(draft);
        Files.deleteIfExists(file); // it may have got there
        throw e;
      }
    } catch (IOException e) {
      throw notWritable(file, e);
    }
  }

  /**
   * Records that a step is about to begin, or over. What a write that failed left is written over
   * by the next.
   *
   * @throws RefusedException with {@link HostRefusal.JournalNotWritable}
   */
  public void write(String step, boolean done) {
    try {
      end = append(channel, end, new Step(clock.instant().toString(), step, done));
    } catch (IOException e) {
      throw notWritable(file, e);
    }
  }

  /**
   * The operation is over, finished or undone.
   *
   * @throws RefusedException with {@link HostRefusal.JournalNotWritable}; the next command then
   *     looks once more at what is over
   */
  public void complete() {
    close();
    remove(directory, file);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.warn("cannot close {}; what is in it is on disk: {}", file, e.toString());
    }
  }

  /**
   * The operation on a guest that was begun on this host and is not over.
   *
   * @throws RefusedException with {@link InputRefusal.JournalDamaged}
   */
  public static Optional<Unfinished> read(Path state, UUID guest) {
    Path file = file(state, guest);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(decode(file.toString(), Files.readAllBytes(file)));
    } catch (IOException e) {
      throw damaged(file.toString(), "it cannot be read: " + e.getMessage());
    }
  }

  /** Forgets an operation that is over. */
  public static void forget(Path state, UUID guest) {
    remove(directory(state), file(state, guest));
  }

  /**
   * Puts a journal that cannot be read out of the way; it is kept.
   *
   * @return where it is now
   */
  public static Path setAside(Path state, UUID guest) {
    Path file = file(state, guest);
    try {
      int number = 1;
      Path aside = file.resolveSibling(file.getFileName() + ".damaged-" + number);
      while (Files.exists(aside)) {
        number++;
        aside = file.resolveSibling(file.getFileName() + ".damaged-" + number);
      }
      Files.move(file, aside, StandardCopyOption.ATOMIC_MOVE);
      sync(directory(state));
      return aside;
    } catch (IOException e) {
      throw notWritable(file, e);
    }
  }

  static Unfinished decode(String source, byte[] content) {
    String text = new String(content, StandardCharsets.ISO_8859_1);
    Operation operation = null;
    List<Step> steps = new ArrayList<>();
    int at = 0;
    for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      String line = text.substring(at, end);
      if (operation == null) {
        operation = line(source, at, line, Operation.class);
        if (operation.format() != FORMAT) {
          throw damaged(source, "unknown format " + operation.format());
        }
      } else {
        steps.add(line(source, at, line, Step.class));
      }
      at = end + 1;
    }
    if (operation == null) {
      throw damaged(source, "its first line is cut short");
    }
    return new Unfinished(operation, steps);
  }

  private static <T> T line(String source, int at, String line, Class<T> type) {
    int space = line.indexOf(' ');
    byte[] json = line.substring(space + 1).getBytes(StandardCharsets.ISO_8859_1);
    if (space < 0 || !line.substring(0, space).equals(checksum(json))) {
      throw damaged(source, "wrong checksum at byte " + at);
    }
    try {
      T value = JSON.readValue(json, type);
      if (value == null) {
        throw damaged(source, "nothing at byte " + at);
      }
      return value;
    } catch (IOException e) {
      throw damaged(source, "at byte " + at + ": " + e.getMessage());
    }
  }

  /** Returns where the next line belongs. */
  private static long append(FileChannel channel, long end, Object value) throws IOException {
    byte[] json = JSON.writeValueAsBytes(value);
    String line = checksum(json) + " " + new String(json, StandardCharsets.ISO_8859_1) + "\n";
    ByteBuffer rest = ByteBuffer.wrap(line.getBytes(StandardCharsets.ISO_8859_1));
    channel.truncate(end);
    long at = end;
    while (rest.hasRemaining()) {
      at += channel.write(rest, at);
    }
    channel.force(true);
    return at;
  }

  private static String checksum(byte[] json) {
    CRC32 sum = new CRC32();
    sum.update(json);
    return String.format("%08x", sum.getValue());
  }

  private static RefusedException notWritable(Path file, IOException e) {
    return new RefusedException(
        new HostRefusal.JournalNotWritable(file.toString(), String.valueOf(e)), e);
  }

  private static RefusedException damaged(String file, String detail) {
    return new RefusedException(new InputRefusal.JournalDamaged(file, detail));
  }

  private static void remove(Path directory, Path file) {
    try {
      if (Files.deleteIfExists(file)) {
        sync(directory);
      }
    } catch (IOException e) {
      throw notWritable(file, e);
    }
  }

  private static Path file(Path state, UUID guest) {
    return directory(state).resolve(guest + ".journal");
  }

  private static Path directory(Path state) {
    return state.resolve("journal");
  }

  private static void sync(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
