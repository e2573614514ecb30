package org.lucos.patcher.cli;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.SignBundle;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lucos sign}. */
@Command(
    name = "sign",
    description =
        "Signs a bundle; signatures of other keys stay. Look at it first: 'lucos inspect'.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SignCommand extends Subcommand<SignBundle.Outcome> {
  @Parameters(index = "0", paramLabel = "BUNDLE", description = "a file made by 'lucos build'")
  private Path bundle;

  @Option(
      names = "--key",
      required = true,
      paramLabel = "FILE",
      description = "a private key made by 'lucos keygen' or openssl")
  private Path key;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description = "where to write the signed bundle (default: in place)")
  private @Nullable Path output;

  @Override
  SignBundle.Outcome run(Settings settings, Progress progress) {
    return new SignBundle().run(bundle, key, Optional.ofNullable(output));
  }

  @Override
  void print(Console console, SignBundle.Outcome signed) {
    console.line("Signed %s in %s with key %s", signed.patch(), signed.bundle(), signed.keyId());
    signed.keyIds().stream()
        .filter(id -> !id.equals(signed.keyId()))
        .forEach(id -> console.line("  also signed with key %s", id));
  }
}
