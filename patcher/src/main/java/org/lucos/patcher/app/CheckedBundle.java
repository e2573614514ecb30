package org.lucos.patcher.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.trust.TrustedKeys;
import org.lucos.patcher.trust.Verdict;

/**
 * A bundle and who stands for it.
 *
 * @param file where it was read from
 * @param warning what the operator is to be told, where nobody trusted does
 */
record CheckedBundle(Path file, Bundle bundle, Verdict verdict, Optional<String> warning) {

  /**
   * Reads a bundle if the operator's keys allow it; a forged signature ends it in any case.
   *
   * @param allowUnsigned whether one that is not signed, or by unknown keys, will do
   */
  static CheckedBundle read(Path file, Settings settings, boolean allowUnsigned) {
    TrustedKeys keys = TrustedKeys.in(settings.keys());
    Bundle bundle =
        Bundle.read(
            file,
            (manifest, signatures) ->
                keys.judge(manifest, signatures).require(file.toString(), allowUnsigned));
    Verdict verdict = keys.judge(bundle.manifestBytes(), bundle.signatures());
    return new CheckedBundle(
        file, bundle, verdict, verdict.require(file.toString(), allowUnsigned));
  }

  String name() {
    return bundle.manifest().description().name();
  }

  /** Names of patches that must be applied as long as this one is. */
  List<String> requires() {
    return bundle.manifest().description().requires();
  }

  /** Digest of its manifest, which has those of all else. */
  String digest() {
    return bundle.manifestBytes().sha256();
  }

  Report.Signature signature() {
    return Report.Signature.of(verdict);
  }
}
