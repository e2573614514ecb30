package org.lucos.patcher.trust;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** One key in a text file (RFC 7468), as openssl reads and writes it. */
final class Pem {
  static final String PUBLIC = "PUBLIC KEY";
  static final String PRIVATE = "PRIVATE KEY";

  private static final int LARGEST = 16 << 10;
  private static final Pattern BLOCK =
      Pattern.compile(
          "-----BEGIN ([A-Z0-9 ]{1,40})-----\\s+([A-Za-z0-9+/=\\s]*)-----END \\1-----\\s*");

  private Pem() {}

  static String write(String label, byte[] der) {
    String body =
        Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(der);
    return "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n";
  }

  /**
   * The content of a file that holds one block with this label and nothing else.
   *
   * @throws RefusedException {@code BadKey}
   */
  static byte[] read(Path file, String label) {
    Matcher block = BLOCK.matcher(text(file));
    if (!block.matches()) {
      throw bad(file, "it does not hold one PEM block");
    }
    if (!block.group(1).equals(label)) {
      throw bad(file, "it holds a '" + block.group(1) + "', wanted is a '" + label + "'");
    }
    try {
      return Base64.getDecoder().decode(block.group(2).replaceAll("\\s", ""));
    } catch (IllegalArgumentException e) {
      throw bad(file, "its content is no Base64: " + e.getMessage());
    }
  }

  private static String text(Path file) {
    try (var in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(LARGEST + 1);
      if (content.length > LARGEST) {
        throw bad(file, "it is larger than any key");
      }
      return new String(content, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw bad(file, "it cannot be read: " + e);
    }
  }

  static RefusedException bad(Path file, String detail) {
    return new RefusedException(new InputRefusal.BadKey(file.toString(), detail));
  }
}
