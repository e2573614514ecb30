package org.lucos.patcher.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.AuditChain.Findings;
import org.lucos.patcher.app.AuditChain.Head;
import org.lucos.patcher.bytes.Bytes;

/**
 * The audit log of this host: {@code audit.jsonl}, to which lines are added and nothing else, and
 * {@code audit.head}, which tells where it ends. One process adds at a time. What a crash or a full
 * disk left of a line stays, and the next line has its digest.
 */
final class AuditTrail {
  static final String LOG = "audit.jsonl";
  static final String HEAD = "audit.head";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long PATIENCE_NANOS = 60_000_000_000L;

  private final Path log;
  private final Path head;

  /** The one in a directory. */
  AuditTrail(Path directory) {
    this(directory.resolve(LOG), directory.resolve(HEAD));
  }

  private AuditTrail(Path log, Path head) {
    this.log = log;
    this.head = head;
  }

  /** A copy that was put somewhere; its head lies beside it, with the ending {@code .head}. */
  static AuditTrail of(Path log) {
    String name = String.valueOf(log.getFileName());
    String bare = name.endsWith(".jsonl") ? name.substring(0, name.length() - 6) : name;
    return new AuditTrail(log, log.resolveSibling(bare + ".head"));
  }

  Path log() {
    return log;
  }

  Path head() {
    return head;
  }

  /** Whether anything was ever recorded here. */
  boolean exists() {
    return Files.exists(log) || Files.exists(head);
  }

  /** Walks through it, while nobody adds to it. */
  Findings read() throws IOException {
    if (!Files.exists(log)) {
      return AuditChain.walk(Bytes.EMPTY, readHead());
    }
    try (FileChannel channel = FileChannel.open(log, StandardOpenOption.READ);
        FileLock lock = lock(channel, true)) {
      if (!lock.isValid()) {
        throw new IOException("the lock on " + log + " was lost");
      }
      return AuditChain.walk(content(channel), readHead());
    }
  }

  /** Fails unless a line could be added now: opens, locks and syncs the log, changing nothing. */
  void requireWritable() throws IOException {
    createDirectory();
    try (FileChannel channel = open();
        FileLock lock = lock(channel, false)) {
      channel.force(lock.isValid());
    }
  }

  /** Adds a line with these fields and syncs it; number and digest of the line before are added. */
  void append(Map<String, ?> fields) throws IOException {
    createDirectory();
    try (FileChannel channel = open();
        FileLock lock = lock(channel, false)) {
      if (!lock.isValid()) {
        throw new IOException("the lock on " + log + " was lost");
      }
      Optional<Head> known = readHead();
      Findings found = endsAsKnown(channel, known);
      ObjectNode line = JSON.createObjectNode();
      line.put("seq", found.last().lines() + 1);
      line.put("previous", found.last().digest());
      line.setAll((ObjectNode) JSON.valueToTree(fields));
      Bytes rest = found.rest();
      boolean isOpen = !rest.isEmpty() && rest.at(rest.size() - 1) != '\n';
      if (isOpen) {
        write(channel, new byte[] {'\n'});
        rest = content(channel).slice((int) channel.size() - rest.size() - 1, (int) channel.size());
      }
      if (!rest.isEmpty()) {
        line.put("torn", rest.sha256());
      }
      damage(found, known).ifPresent(text -> line.put("damage", text));
      byte[] bytes = JSON.writeValueAsBytes(line);
      ByteBuffer whole = ByteBuffer.allocate(bytes.length + 1).put(bytes).put((byte) '\n');
      write(channel, whole.array());
      writeHead(new Head(found.last().lines() + 1, Bytes.of(bytes).sha256()));
    }
  }

  /** What a line that is added says of a log whose end is not where it was left. */
  private static Optional<String> damage(Findings found, Optional<Head> known) {
    Head last = found.last();
    boolean first = known.isEmpty() && last.lines() == 0 && found.rest().isEmpty();
    boolean behind =
        known.isPresent()
            && !found.lines().isEmpty()
            && known
                .get()
                .equals(
                    new Head(
                        last.lines() - 1,
                        found.lines().get(found.lines().size() - 1).path("previous").asText()));
    if (first || behind || known.equals(Optional.of(last))) {
      return Optional.empty();
    }
    return Optional.of(
        known
            .map(head -> "the head told of line " + head.lines() + " with digest " + head.digest())
            .orElse("the head was missing")
            .concat("; the log ended in line " + last.lines() + " with digest " + last.digest()));
  }

  /** The end of the log; it is walked through only where its last line is not the head's. */
  private static Findings endsAsKnown(FileChannel channel, Optional<Head> known)
      throws IOException {
    Bytes all = content(channel);
    if (known.isPresent() && !all.isEmpty() && all.at(all.size() - 1) == '\n') {
      int begin = all.size() - 1;
      while (begin > 0 && all.at(begin - 1) != '\n') {
        begin--;
      }
      Bytes line = all.slice(begin, all.size() - 1);
      boolean same =
          line.sha256().equals(known.get().digest())
              && AuditChain.parse(line)
                  .filter(read -> read.path("seq").longValue() == known.get().lines())
                  .isPresent();
      if (same) {
        return new Findings(List.of(), List.of(), List.of(), known.get(), Bytes.EMPTY);
      }
    }
    return AuditChain.walk(all, known);
  }

  private Optional<Head> readHead() throws IOException {
    if (!Files.exists(head)) {
      return Optional.empty();
    }
    try {
      JsonNode read = JSON.readTree(Files.readAllBytes(head));
      return Optional.of(new Head(read.path("lines").asLong(-1), read.path("digest").asText("")));
    } catch (JsonProcessingException e) {
      return Optional.of(new Head(-1, "unreadable"));
    }
  }

  private void writeHead(Head value) throws IOException {
    Path draft = Files.createTempFile(directory(), ".audit", ".tmp");
    try {
      try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
        write(channel, JSON.writeValueAsBytes(value));
      }
      Files.move(draft, head, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      try (FileChannel channel = FileChannel.open(directory(), StandardOpenOption.READ)) {
        channel.force(true);
      }
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  private void createDirectory() throws IOException {
    Files.createDirectories(directory());
  }

  private Path directory() {
    return Objects.requireNonNull(log.toAbsolutePath().getParent(), "a file has a directory");
  }

  private FileChannel open() throws IOException {
    // not APPEND: a channel for appending cannot read
    return FileChannel.open(
        log, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  private static Bytes content(FileChannel channel) throws IOException {
    ByteBuffer all = ByteBuffer.allocate(Math.toIntExact(channel.size()));
    long at = 0;
    while (all.hasRemaining()) {
      int read = channel.read(all, at);
      if (read < 0) {
        throw new IOException("the audit log became shorter while it was read");
      }
      at += read;
    }
    return Bytes.of(all.array());
  }

  private static void write(FileChannel channel, byte[] bytes) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(bytes);
    long at = channel.size();
    while (rest.hasRemaining()) {
      at += channel.write(rest, at);
    }
    channel.force(true);
  }

  private static FileLock lock(FileChannel channel, boolean shared) throws IOException {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (true) {
      FileLock lock = tryLock(channel, shared);
      if (lock != null) {
        return lock;
      }
      if (System.nanoTime() > deadline) {
        throw new IOException("another process has kept it locked for a minute");
      }
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting for the lock", e);
      }
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel, boolean shared)
      throws IOException {
    try {
      return channel.tryLock(0, Long.MAX_VALUE, shared);
    } catch (OverlappingFileLockException e) {
      return null; // another thread of this process
    }
  }
}
