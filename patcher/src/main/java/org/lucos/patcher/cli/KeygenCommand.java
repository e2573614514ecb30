package org.lucos.patcher.cli;

import java.nio.file.Path;
import org.lucos.patcher.app.MakeKey;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lucos keygen}. */
@Command(
    name = "keygen",
    description = "Makes an Ed25519 key to sign bundles with: FILE, and FILE.pub to be trusted.")
@SuppressWarnings("NullAway.Init") // picocli sets the field
final class KeygenCommand extends Subcommand<MakeKey.Outcome> {
  @Parameters(index = "0", paramLabel = "FILE", description = "the private key; must not exist")
  private Path file;

  @Override
  MakeKey.Outcome run(Settings settings, Progress progress) {
    return new MakeKey().run(file);
  }

  @Override
  void print(Console console, MakeKey.Outcome made) {
    console.line("Made key %s", made.keyId());
    console.line("  private  %s (keep it)", made.privateKey());
    console.line(
        "  public   %s (goes into /etc/lucos/keys of hosts that trust it)", made.publicKey());
  }
}
