package org.lucos.patcher.trust;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.EnumSet;
import java.util.Set;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.TrustRefusal;

/** An Ed25519 key pair, in a file a PEM block {@code PRIVATE KEY} (PKCS #8, RFC 8410). */
public final class SigningKey {
  private static final Bytes TRIAL = Bytes.of("lucos".getBytes(StandardCharsets.US_ASCII));

  private final PrivateKey secret;
  private final VerifyKey verifyKey;

  private SigningKey(PrivateKey secret, VerifyKey verifyKey) {
    this.secret = secret;
    this.verifyKey = verifyKey;
  }

  /** A new key. */
  public static SigningKey generate(String name) {
    return of(name, pair(new SecureRandom()));
  }

  /**
   * Reads a key file.
   *
   * @throws RefusedException {@code BadKey} if it holds no such key, {@code KeyExposed} if others
   *     than its owner may read it
   */
  public static SigningKey read(Path file) {
    requirePrivate(file);
    byte[] der = Pem.read(file, Pem.PRIVATE);
    String name = String.valueOf(file.getFileName()).replaceFirst("\\.key$", "");
    try {
      PrivateKey secret =
          KeyFactory.getInstance(VerifyKey.ALGORITHM).generatePrivate(new PKCS8EncodedKeySpec(der));
      byte[] seed =
          ((EdECPrivateKey) secret)
              .getBytes()
              .orElseThrow(() -> Pem.bad(file, "it does not hold the key itself"));
      SigningKey key = of(name, pair(new Fixed(seed)));
      BundleSignature trial = new SigningKey(secret, key.verifyKey).sign(TRIAL);
      if (!key.verifyKey.verifies(TRIAL, trial)) {
        throw new IllegalStateException("the public key derived from " + file + " is not its own");
      }
      return key;
    } catch (GeneralSecurityException e) {
      throw Pem.bad(file, "it holds no Ed25519 private key: " + e.getMessage());
    }
  }

  /**
   * Writes two new files: this one, which only its owner may read, and the public key beside it.
   *
   * @throws RefusedException {@code FileExists} rather than replace anything
   */
  public Path write(Path file) {
    Path open = file.resolveSibling(file.getFileName() + ".pub");
    try {
      if (Files.exists(open)) {
        throw new FileAlreadyExistsException(open.toString());
      }
      create(file, "rw-------", Pem.write(Pem.PRIVATE, secret.getEncoded()));
      create(open, "rw-r--r--", verifyKey.toPem());
      return open;
    } catch (FileAlreadyExistsException e) {
      throw new RefusedException(new InputRefusal.FileExists(String.valueOf(e.getFile())), e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write key: file=" + file, e);
    }
  }

  /** The public half. */
  public VerifyKey verifyKey() {
    return verifyKey;
  }

  /** Signs. */
  public BundleSignature sign(Bytes content) {
    try {
      Signature signer = Signature.getInstance(VerifyKey.ALGORITHM);
      signer.initSign(secret);
      signer.update(content.toArray());
      return new BundleSignature(verifyKey.id(), Bytes.of(signer.sign()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a usable key signs anything", e);
    }
  }

  private static void create(Path file, String permissions, String text) throws IOException {
    Set<PosixFilePermission> wanted = PosixFilePermissions.fromString(permissions);
    try (var channel =
        Files.newByteChannel(
            file,
            EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(wanted))) {
      channel.write(java.nio.ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
    }
  }

  private static void requirePrivate(Path file) {
    try {
      Set<PosixFilePermission> allowed = Files.getPosixFilePermissions(file);
      if (allowed.stream().anyMatch(each -> !each.name().startsWith("OWNER_"))) {
        throw new RefusedException(
            new TrustRefusal.KeyExposed(
                file.toString(), PosixFilePermissions.toString(allowed), "chmod 600 " + file));
      }
    } catch (IOException e) {
      throw Pem.bad(file, "it cannot be read: " + e);
    }
  }

  private static SigningKey of(String name, KeyPair pair) {
    return new SigningKey(pair.getPrivate(), new VerifyKey(name, pair.getPublic()));
  }

  private static KeyPair pair(SecureRandom random) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(VerifyKey.ALGORITHM);
      generator.initialize(NamedParameterSpec.ED25519, random);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK from 15 on has Ed25519", e);
    }
  }

  /**
   * Gives the generator the private key as its random number: the JDK has no other way from a
   * private Ed25519 key to the public one (RFC 8032, 5.1.5), and the result is tried out.
   */
  private static final class Fixed extends SecureRandom {
    private static final long serialVersionUID = 1L;

    private final byte[] seed;

    Fixed(byte[] seed) {
      this.seed = seed.clone();
    }

    @Override
    public void nextBytes(byte[] bytes) {
      if (bytes.length != seed.length) {
        throw new IllegalStateException("not the size of a key: size=" + bytes.length);
      }
      System.arraycopy(seed, 0, bytes, 0, bytes.length);
    }
  }
}
