package org.lucos.patcher.app;

import java.nio.file.Path;
import java.util.Optional;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.trust.TrustedKeys;
import org.lucos.patcher.trust.Verdict;

/**
 * A bundle and who stands for it.
 *
 * @param warning what the operator is to be told, where nobody trusted does
 */
record CheckedBundle(Bundle bundle, Verdict verdict, Optional<String> warning) {

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
    return new CheckedBundle(bundle, verdict, verdict.require(file.toString(), allowUnsigned));
  }

  Report.Signature signature() {
    return Report.Signature.of(verdict);
  }
}
