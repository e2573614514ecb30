package org.lucos.patcher.trust;

import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.RefusedException;

/**
 * The public half of an Ed25519 key (RFC 8032), in a file a PEM block {@code PUBLIC KEY} (X.509
 * {@code SubjectPublicKeyInfo}, RFC 8410).
 */
public final class VerifyKey {
  static final String ALGORITHM = "Ed25519";

  private final String name;
  private final PublicKey key;
  private final String id;

  VerifyKey(String name, PublicKey key) {
    this.name = name;
    this.key = key;
    this.id = Bytes.of(key.getEncoded()).sha256();
  }

  /**
   * Reads a key file; the key is called what the file is, without {@code .pub}.
   *
   * @throws RefusedException {@code BadKey} if it holds no such key
   */
  public static VerifyKey read(Path file) {
    byte[] der = Pem.read(file, Pem.PUBLIC);
    try {
      PublicKey key = KeyFactory.getInstance(ALGORITHM).generatePublic(new X509EncodedKeySpec(der));
      if (!Arrays.equals(key.getEncoded(), der)) {
        throw Pem.bad(file, "its encoding is not the canonical one");
      }
      return new VerifyKey(String.valueOf(file.getFileName()).replaceFirst("\\.pub$", ""), key);
    } catch (GeneralSecurityException e) {
      throw Pem.bad(file, "it holds no Ed25519 public key: " + e.getMessage());
    }
  }

  /** What people call it. */
  public String name() {
    return name;
  }

  /** SHA-256 of the encoded key, in lower-case hex. */
  public String id() {
    return id;
  }

  /** The content of a key file. */
  public String toPem() {
    return Pem.write(Pem.PUBLIC, key.getEncoded());
  }

  /** Whether the signature was made of this content with the private half. */
  public boolean verifies(Bytes content, BundleSignature signature) {
    try {
      Signature verifier = Signature.getInstance(ALGORITHM);
      verifier.initVerify(key);
      verifier.update(content.toArray());
      return verifier.verify(signature.value().toArray());
    } catch (SignatureException e) {
      return false; // what the provider says of bytes that cannot be a signature
    } catch (InvalidKeyException e) {
      throw new IllegalStateException("the key was checked when it was read", e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK from 15 on has Ed25519", e);
    }
  }

  @Override
  public String toString() {
    return name + " (" + id + ")";
  }
}
