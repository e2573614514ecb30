package org.lucos.patcher.build;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.lucos.patcher.bytes.MalformedDataException;

/** Texts of source code, and about it, that are kept compressed; each byte is one character. */
final class PackedText {
  private PackedText() {}

  /** Writes a file so that readers see either nothing, what was before, or all of it. */
  static void write(Path file, String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      throw new BuildFailedException("cannot write " + file, e);
    }
    FileTrees.writeAtomically(file, bytes.toByteArray());
  }

  /**
   * Reads it again.
   *
   * @throws MalformedDataException if the file is damaged; it can be deleted and is made again
   */
  static String read(Path file) {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(FileTrees.read(file)))) {
      return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new MalformedDataException(
          file.toString(), 0, "no compressed text (" + e.getMessage() + "); delete it and go on");
    }
  }
}
