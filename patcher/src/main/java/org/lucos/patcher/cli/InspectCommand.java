package org.lucos.patcher.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.lucos.patcher.app.InspectBundle;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code lucos inspect}. */
@Command(name = "inspect", description = "Shows what is in a bundle and who has signed it.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class InspectCommand extends Subcommand<InspectBundle.Outcome> {
  @Mixin private KeysOption keys;

  @Parameters(index = "0", paramLabel = "BUNDLE", description = "a file made by 'lucos build'")
  private Path bundle;

  @Override
  InspectBundle.Outcome run(Settings settings, Progress progress) {
    return new InspectBundle(keys.apply(settings)).run(bundle);
  }

  @Override
  void print(Console console, InspectBundle.Outcome found) {
    console.line("%s: %s", found.patch(), found.description());
    all(console, "fixes", found.fixes());
    all(console, "requires", found.requires());
    if (found.immediateSafe()) {
      console.line("immediate  safe, by its author's word");
    }
    console.line("signature  %s", found.signature().text());
    console.line("manifest   sha256 %s", found.manifestSha256());
    console.line(
        "made       %s by lucos %s, %d bytes", found.created(), found.tool(), found.size());
    found.probes().forEach(probe -> print(console, probe));
    found.variants().forEach(variant -> print(console, variant));
    found
        .skipped()
        .forEach(
            skipped -> console.line("not for    %s (%s)", skipped.release(), skipped.reason()));
  }

  private static void print(Console console, InspectBundle.Probe probe) {
    console.line(
        "probe      %s (%s, %s, at most %d ms): %s%s%s",
        probe.name(),
        probe.when(),
        probe.check(),
        probe.limitMilliseconds(),
        probe.expects(),
        probe.required() ? ", required" : "",
        probe.failure().isEmpty() ? "" : "; else " + HealthText.safe(probe.failure()));
    HealthText.safe(String.join(" ", probe.words()))
        .lines()
        .forEach(line -> console.line("           | %s", line));
  }

  private static void print(Console console, InspectBundle.Variant variant) {
    console.line("");
    console.line("kernel     %s, build-id %s", variant.release(), variant.buildId());
    console.line("compiler   %s", variant.compiler());
    console.line("source     %s (sha256 %s)", variant.diff(), variant.diffSha256());
    console.line(
        "module     %s, image %d bytes, originals %d bytes",
        variant.module(), variant.imageBytes(), variant.originalBytes());
    for (InspectBundle.Function function : variant.functions()) {
      console.line(
          "replaces   %s of %s%s, %d -> %d bytes%s",
          function.name(),
          function.object(),
          function.module().isEmpty() ? "" : " (module " + function.module() + ")",
          function.oldSize(),
          function.newSize(),
          variant.affected().contains(function.name()) ? ", affected: not changed itself" : "");
    }
    for (InspectBundle.NewFunction function : variant.newFunctions()) {
      console.line(
          "adds       %s of %s, %d bytes", function.name(), function.object(), function.size());
    }
    for (InspectBundle.Data data : variant.newData()) {
      console.line("new data   %s in %s, %d bytes", data.name(), data.section(), data.size());
    }
    all(console, "callback", variant.callbacks());
    all(console, "uses data", variant.kernelData());
    all(console, "uses", variant.kernelSymbols());
    all(
        console,
        "tables",
        variant.specialSections().entrySet().stream()
            .map(entry -> entry.getKey() + " " + entry.getValue())
            .toList());
    variant.escapes().forEach(escape -> console.line("escapes    %s", escape));
    variant.warnings().forEach(warning -> console.line("warning    %s", warning));
  }

  private static void all(Console console, String label, List<String> values) {
    if (!values.isEmpty()) {
      console.line("%-10s %s", label, values.stream().distinct().collect(Collectors.joining(", ")));
    }
  }
}
