package org.lucos.patcher.cli;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Options that every command has. */
final class Options {
  @Option(
      names = {"-c", "--connect"},
      paramLabel = "URI",
      description =
          "a libvirt connection, or xen: for the Xen of this host"
              + " (default: LIBVIRT_DEFAULT_URI, or qemu:///system)")
  private @Nullable String connection;

  @Option(
      names = {"-j", "--json"},
      description = "print the result, or the error, as JSON")
  private boolean json;

  @Option(
      names = {"-v", "--verbose"},
      description = "tell what is being done, on standard error")
  private boolean verbose;

  Settings apply(Console console) {
    console.configure(json, verbose);
    return Settings.from(System.getenv(), Optional.ofNullable(connection));
  }

  /** Reads {@code 500ms}, {@code 30s}, {@code 2m}; a bare number is seconds. */
  static final class DurationConverter implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      try {
        Duration duration = parse(text.trim());
        if (!duration.isNegative()) {
          return duration;
        }
      } catch (NumberFormatException | ArithmeticException e) {
        throw wrong(text);
      }
      throw wrong(text);
    }

    private static Duration parse(String text) {
      if (text.endsWith("ms")) {
        return Duration.ofMillis(Long.parseLong(text.substring(0, text.length() - 2)));
      }
      if (text.endsWith("s")) {
        return Duration.ofSeconds(Long.parseLong(text.substring(0, text.length() - 1)));
      }
      if (text.endsWith("m")) {
        return Duration.ofMinutes(Long.parseLong(text.substring(0, text.length() - 1)));
      }
      return Duration.ofSeconds(Long.parseLong(text));
    }

    private static TypeConversionException wrong(String text) {
      return new TypeConversionException("'" + text + "' is no duration: write 500ms, 30s or 2m");
    }
  }
}
