package org.lucos.patcher.app;

import java.nio.file.Path;
import org.lucos.patcher.trust.SigningKey;

/** Makes a key that bundles can be signed with. */
public final class MakeKey {
  /**
   * The two files.
   *
   * @param keyId what signatures name it by
   */
  public record Outcome(String keyId, String privateKey, String publicKey) {}

  /** Writes a new key and, beside it, its public half. */
  public Outcome run(Path file) {
    SigningKey key = SigningKey.generate(String.valueOf(file.getFileName()));
    Path open = key.write(file);
    return new Outcome(key.verifyKey().id(), file.toString(), open.toString());
  }
}
