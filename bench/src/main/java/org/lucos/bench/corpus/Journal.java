package org.lucos.bench.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Results as they come, one JSON object a line, each on the disk before the next is begun. The
 * newest line of a key counts; a line that a crash cut short is dropped.
 *
 * @param <T> a record
 */
public final class Journal<T> {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final Class<T> type;
  private final Function<T, String> key;
  private final Map<String, T> entries = new LinkedHashMap<>();

  /** Opens a journal; the file need not exist. */
  public Journal(Path file, Class<T> type, Function<T, String> key) {
    this.file = file;
    this.type = type;
    this.key = key;
    read();
  }

  private void read() {
    if (!Files.exists(file)) {
      return;
    }
    try {
      for (String line : Files.readString(file, StandardCharsets.UTF_8).split("\n", -1)) {
        parsed(line).ifPresent(entry -> entries.put(key.apply(entry), entry));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /** Empty for what was cut short: it is done again. */
  private Optional<T> parsed(String line) {
    try {
      return line.isBlank() ? Optional.empty() : Optional.of(JSON.readValue(line, type));
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  /** Adds an entry, or replaces the one with its key. */
  public synchronized void add(T entry) {
    entries.put(key.apply(entry), entry);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      // The newline first: it ends what a crash may have cut short.
      String line = "\n" + JSON.writeValueAsString(entry) + "\n";
      ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /** The entries by key. */
  public synchronized Map<String, T> entries() {
    return new LinkedHashMap<>(entries);
  }
}
