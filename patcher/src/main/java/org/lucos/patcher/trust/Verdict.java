package org.lucos.patcher.trust;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.TrustRefusal;

/** Whether a bundle comes from somebody the operator trusts. */
public sealed interface Verdict {

  /** Signed with a trusted key. */
  record Trusted(VerifyKey by) implements Verdict {}

  /** Not signed at all. */
  record Unsigned() implements Verdict {}

  /**
   * Signed with keys that are not known here; nothing can be said about these signatures.
   *
   * @param keyIds the keys the signatures name
   * @param directory where trusted keys are
   */
  record UnknownSigner(List<String> keyIds, Path directory) implements Verdict {
    public UnknownSigner {
      keyIds = List.copyOf(keyIds);
    }
  }

  /** A signature names a trusted key and was not made with it, or of something else. */
  record Forged(VerifyKey key) implements Verdict {}

  /**
   * Fails unless the bundle may be used.
   *
   * @param file the bundle
   * @param allowUnsigned whether the operator takes what nobody known stands for; a forged
   *     signature is never taken
   * @return what is to be told to the operator, where it is taken without a trusted signature
   * @throws RefusedException {@code BundleUnsigned}, {@code SignerUnknown} or {@code SignatureBad}
   */
  default Optional<String> require(String file, boolean allowUnsigned) {
    if (this instanceof Trusted) {
      return Optional.empty();
    }
    TrustRefusal refusal;
    if (this instanceof Forged forged) {
      refusal = new TrustRefusal.SignatureBad(file, forged.key().toString());
    } else if (this instanceof UnknownSigner unknown) {
      refusal =
          new TrustRefusal.SignerUnknown(
              file, String.join(", ", unknown.keyIds()), unknown.directory().toString());
    } else {
      refusal = new TrustRefusal.BundleUnsigned(file);
    }
    if (!allowUnsigned || this instanceof Forged) {
      throw new RefusedException(refusal);
    }
    return Optional.of("taken on the operator's word: " + refusal.message());
  }

  /** One line for a report. */
  default String describe() {
    if (this instanceof Trusted trusted) {
      return "signed by " + trusted.by();
    }
    if (this instanceof Forged forged) {
      return "BAD SIGNATURE in the name of " + forged.key();
    }
    if (this instanceof UnknownSigner unknown) {
      return "signed by unknown key " + String.join(", ", unknown.keyIds());
    }
    return "not signed";
  }

  /** The keys it was signed with, as far as that matters. */
  default List<String> keyIds() {
    if (this instanceof Trusted trusted) {
      return List.of(trusted.by().id());
    }
    if (this instanceof Forged forged) {
      return List.of(forged.key().id());
    }
    return this instanceof UnknownSigner unknown ? unknown.keyIds() : List.of();
  }

  /** A stable name for scripts. */
  default String code() {
    if (this instanceof Trusted) {
      return "trusted";
    }
    if (this instanceof Forged) {
      return "signature-bad";
    }
    return this instanceof UnknownSigner ? "signer-unknown" : "bundle-unsigned";
  }
}
