package org.lucos.patcher.agent;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The frames that the agent's own tests use too. */
final class Golden {
  private Golden() {}

  static List<String> requests() {
    return lines("requests");
  }

  static List<String> answers() {
    return lines("answers");
  }

  /** The answer to the request with this number. */
  static byte[] answer(int id) {
    return answers().get(id - 1).getBytes(StandardCharsets.UTF_8);
  }

  private static List<String> lines(String file) {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(folder.resolve("guest-agent"))) {
      Path parent = folder.getParent();
      if (parent == null) {
        throw new IllegalStateException("no guest-agent above " + Path.of("").toAbsolutePath());
      }
      folder = parent;
    }
    try {
      return Files.readAllLines(folder.resolve("guest-agent/frames").resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
