package org.lucos.patcher.trust;

import com.google.common.collect.ImmutableMap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.TrustRefusal;

/** The keys an operator trusts: the files {@code *.pub} of a directory. */
public final class TrustedKeys {
  private final Path directory;
  private final ImmutableMap<String, VerifyKey> keys;

  private TrustedKeys(Path directory, Map<String, VerifyKey> keys) {
    this.directory = directory;
    this.keys = ImmutableMap.copyOf(keys);
  }

  /**
   * Reads the keys of a directory; one that is not there holds none.
   *
   * @throws RefusedException {@code BadKey} if a file holds no key, {@code KeyExposed} if others
   *     than its owner may write to it or to the directory
   */
  public static TrustedKeys in(Path directory) {
    Map<String, VerifyKey> keys = new LinkedHashMap<>();
    try (Stream<Path> files = Files.list(directory)) {
      requireOwned(directory);
      for (Path file : files.filter(f -> f.toString().endsWith(".pub")).sorted().toList()) {
        requireOwned(file);
        VerifyKey key = VerifyKey.read(file);
        keys.putIfAbsent(key.id(), key);
      }
    } catch (NoSuchFileException e) {
      return new TrustedKeys(directory, Map.of());
    } catch (IOException e) {
      throw Pem.bad(directory, "it cannot be listed: " + e);
    }
    return new TrustedKeys(directory, keys);
  }

  /** Where they are. */
  public Path directory() {
    return directory;
  }

  /** All of them. */
  public List<VerifyKey> all() {
    return keys.values().asList();
  }

  /** The key with this id. */
  public Optional<VerifyKey> find(String id) {
    return Optional.ofNullable(keys.get(id));
  }

  /** Looks at the signatures of a manifest. */
  public Verdict judge(Bytes manifest, List<BundleSignature> signatures) {
    if (signatures.isEmpty()) {
      return new Verdict.Unsigned();
    }
    Optional<VerifyKey> signer = Optional.empty();
    for (BundleSignature signature : signatures) {
      Optional<VerifyKey> key = find(signature.keyId());
      if (key.isPresent() && !key.get().verifies(manifest, signature)) {
        return new Verdict.Forged(key.get());
      }
      signer = signer.or(() -> key);
    }
    return signer
        .<Verdict>map(Verdict.Trusted::new)
        .orElseGet(
            () ->
                new Verdict.UnknownSigner(
                    signatures.stream().map(BundleSignature::keyId).toList(), directory));
  }

  private static void requireOwned(Path file) throws IOException {
    Set<PosixFilePermission> allowed = Files.getPosixFilePermissions(file);
    if (allowed.contains(PosixFilePermission.GROUP_WRITE)
        || allowed.contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new RefusedException(
          new TrustRefusal.KeyExposed(
              file.toString(), PosixFilePermissions.toString(allowed), "chmod go-w " + file));
    }
  }
}
