package org.lucos.patcher.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The record of one operation on a guest: a file of JSON lines, each synced to disk before the step
 * it announces. It tells a person what happened; what is true is in the guest's memory.
 */
final class OperationLog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OperationLog.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss-SSS").withZone(ZoneOffset.UTC);

  private final Path file;
  private final FileChannel channel;
  private final InstantSource clock;

  private final String operation;

  private OperationLog(Path file, FileChannel channel, InstantSource clock, String operation) {
    this.operation = operation;
    this.file = file;
    this.clock = clock;
    this.channel = channel;
  }

  static OperationLog open(Settings settings, DomainIdentity guest, String operation) {
    try {
      Path directory = settings.state().resolve("operations").resolve(guest.uuid().toString());
      Files.createDirectories(directory);
      Path file =
          directory.resolve(STAMP.format(settings.clock().instant()) + "-" + operation + ".jsonl");
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      OperationLog log = new OperationLog(file, channel, settings.clock(), operation);
      log.write("begin", Map.of("operation", operation, "guest", guest.name()));
      return log;
    } catch (IOException e) {
      throw new RefusedException(
          new HostRefusal.JournalNotWritable(settings.state().toString(), String.valueOf(e)), e);
    }
  }

  Path file() {
    return file;
  }

  /**
   * Writes down what is about to be done, or was.
   *
   * @throws RefusedException {@code JournalNotWritable}
   */
  void write(String event, Map<String, ?> facts) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("at", clock.instant().toString());
    line.put("event", event);
    line.putAll(facts);
    try {
      channel.write(
          ByteBuffer.wrap(
              (JSON.writeValueAsString(line) + "\n")
                  .getBytes(java.nio.charset.StandardCharsets.UTF_8)));
      channel.force(false);
    } catch (IOException e) {
      throw new RefusedException(
          new HostRefusal.JournalNotWritable(file.toString(), String.valueOf(e)), e);
    }
  }

  /**
   * The operation is over.
   *
   * @param last other records that are to be made then
   * @throws RefusedException {@code RecordIncomplete} if that cannot be recorded
   */
  void end(String state, Map<String, ?> facts, Runnable last) {
    try {
      last.run();
      write("done", facts);
    } catch (RefusedException e) {
      throw new RefusedException(
          new HostRefusal.RecordIncomplete(operation, state, e.refusal().message()), e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.warn("cannot close {}; what is in it is on disk: {}", file, e.toString());
    }
  }
}
