package org.lucos.patcher.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.lucos.patcher.refusal.ExitCode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Operations that have begun and not ended, a file each that their process holds locked. A file
 * that nobody holds is of a process that died; the next operation records it.
 */
final class BegunOperations {
  private static final Logger log = LoggerFactory.getLogger(BegunOperations.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final TypeReference<Map<String, Object>> FIELDS = new TypeReference<>() {};

  /** To close another channel of a file that this process holds would give up its lock. */
  private static final String OWN = "pid-" + ProcessHandle.current().pid() + "-";

  private final Path state;
  private final Path directory;

  /** Those below a directory of state. */
  BegunOperations(Path state) {
    this.state = state;
    this.directory = state.resolve("audit.begun");
  }

  /** An operation that goes on. */
  static final class Begun implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;

    private Begun(Path file, FileChannel channel) {
      this.file = file;
      this.channel = channel;
    }

    /** It is over: records it, and forgets that it has begun. */
    void end(AuditTrail trail, Map<String, ?> line) throws IOException {
      trail.append(line);
      Files.delete(file);
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        log.warn("cannot close {}; what is in it is on disk: {}", file, e.toString());
      }
    }
  }

  /** Writes down that an operation begins, and syncs it. */
  Begun begin(Map<String, ?> known) throws IOException {
    Files.createDirectories(directory);
    // locked before others see it, lest they take its process for dead
    Path draft = Files.createTempFile(state, OWN, ".begun");
    Path file = directory.resolve(draft.getFileName());
    FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE);
    try {
      channel.lock();
      ByteBuffer bytes = ByteBuffer.wrap(JSON.writeValueAsBytes(known));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
      return new Begun(file, channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      Files.deleteIfExists(draft);
      throw e;
    }
  }

  /** Records the operations whose process died. */
  void recordDead(AuditTrail trail, InstantSource clock) throws IOException {
    for (Path file : files()) {
      try (FileChannel channel =
              FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
          FileLock lock = channel.tryLock()) {
        if (lock != null && Files.exists(file)) {
          Map<String, Object> line = new LinkedHashMap<>(read(file));
          line.putIfAbsent("operation", "unknown");
          line.put("outcome", "died");
          line.put("exitCode", ExitCode.FAILED.value());
          line.put("detail", "its process ended without saying how it went");
          line.put("recordedAt", clock.instant().toString());
          trail.append(line);
          Files.deleteIfExists(file);
        }
      } catch (OverlappingFileLockException e) {
        log.debug("{} goes on in another thread", file);
      } catch (NoSuchFileException e) {
        log.debug("{} has just ended, or another process has recorded it", file);
      }
    }
  }

  /** How many there are whose process died and that are not recorded yet. */
  int dead() throws IOException {
    int count = 0;
    for (Path file : files()) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
          FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true)) {
        count += lock == null ? 0 : 1;
      } catch (OverlappingFileLockException | NoSuchFileException e) {
        log.debug("{} goes on, or has just ended", file);
      }
    }
    return count;
  }

  private static Map<String, Object> read(Path file) throws IOException {
    try {
      return Optional.ofNullable(JSON.readValue(Files.readAllBytes(file), FIELDS))
          .orElse(Map.of("operation", "unknown"));
    } catch (JsonProcessingException e) {
      return Map.of("operation", "unknown"); // it died while it wrote this
    }
  }

  private static boolean isOwn(Path file) {
    return String.valueOf(file.getFileName()).startsWith(OWN);
  }

  private List<Path> files() throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> !isOwn(file)).sorted().toList();
    }
  }
}
