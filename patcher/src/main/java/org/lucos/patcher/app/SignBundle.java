package org.lucos.patcher.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.trust.BundleSignature;
import org.lucos.patcher.trust.SigningKey;

/** Signs a bundle that was built before. */
public final class SignBundle {
  /**
   * What was signed.
   *
   * @param keyIds of all signatures that the bundle has now
   */
  public record Outcome(String bundle, String patch, String keyId, List<String> keyIds) {
    /** Copies the list. */
    public Outcome {
      keyIds = List.copyOf(keyIds);
    }
  }

  /** Adds a signature; the file is replaced, or the result written elsewhere. */
  public Outcome run(Path bundle, Path key, Optional<Path> output) {
    SigningKey signer = SigningKey.read(key);
    Bundle signed = Bundle.read(bundle).signedBy(signer);
    Path target = output.orElse(bundle);
    signed.write(target);
    return new Outcome(
        target.toString(),
        signed.manifest().description().name(),
        signer.verifyKey().id(),
        signed.signatures().stream().map(BundleSignature::keyId).toList());
  }
}
