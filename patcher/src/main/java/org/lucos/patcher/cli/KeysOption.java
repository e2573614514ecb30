package org.lucos.patcher.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.Option;

/** Whose bundles are trusted. */
final class KeysOption {
  @Option(
      names = "--keys",
      paramLabel = "DIR",
      description = "public keys to trust, *.pub (default: LUCOS_KEYS, or /etc/lucos/keys)")
  private @Nullable Path directory;

  Settings apply(Settings settings) {
    return directory == null ? settings : settings.withKeys(directory);
  }
}
