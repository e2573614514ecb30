package org.lucos.patcher.trust;

import java.util.regex.Pattern;
import org.lucos.patcher.bytes.Bytes;

/**
 * A signature of a bundle's manifest.
 *
 * @param keyId of the key it claims to be made with: {@link VerifyKey#id()}
 * @param value the 64 bytes of an Ed25519 signature
 */
public record BundleSignature(String keyId, Bytes value) {
  /** Bytes of a signature. */
  public static final int SIZE = 64;

  private static final Pattern KEY_ID = Pattern.compile("[0-9a-f]{64}");

  public BundleSignature {
    if (!isKeyId(keyId)) {
      throw new IllegalArgumentException("no key id: '" + keyId + "'");
    }
    if (value.size() != SIZE) {
      throw new IllegalArgumentException("no Ed25519 signature: size=" + value.size());
    }
  }

  /** Whether this is how a key id is written. */
  public static boolean isKeyId(String text) {
    return KEY_ID.matcher(text).matches();
  }
}
