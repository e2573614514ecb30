package org.lucos.patcher.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.trust.SigningKey;

class InspectBundleTest {
  @TempDir Path folder;

  private InspectBundle.Outcome inspect(Path bundle) {
    return new InspectBundle(Settings.from(Map.of(), Optional.empty()).withKeys(folder))
        .run(bundle);
  }

  @Test
  void showsWhatAPatchDoesToItsKernel() {
    Path file = folder.resolve("a.lucos");
    Bundle.of(List.of(SamplePatch.of("6.1.0-1-amd64", "a fix"))).write(file);

    InspectBundle.Outcome found = inspect(file);

    assertThat(found.patch()).isEqualTo("sample");
    assertThat(found.fixes()).containsExactly("CVE-1");
    assertThat(found.signature().state()).isEqualTo("bundle-unsigned");
    InspectBundle.Variant variant = found.variants().get(0);
    assertThat(variant.release()).isEqualTo("6.1.0-1-amd64");
    assertThat(variant.functions())
        .singleElement()
        .satisfies(
            function -> {
              assertThat(function.name()).isEqualTo("target");
              assertThat(function.module()).isEqualTo("thing");
              assertThat(function.oldSize()).isPositive();
              assertThat(function.newSize()).isGreaterThan(function.oldSize());
            });
    assertThat(variant.kernelSymbols()).contains("printk", "jiffies_like");
    assertThat(variant.kernelData()).containsExactly("calls of kernel/thing.o");
    assertThat(variant.newData())
        .singleElement()
        .satisfies(
            data -> {
              assertThat(data.name()).isEqualTo("fresh");
              assertThat(data.size()).isEqualTo(16);
            });
    assertThat(variant.specialSections()).containsEntry("__bug_table", 1);
    assertThat(variant.imageBytes()).isPositive();
  }

  @Test
  void showsItsProbes() {
    Path file = folder.resolve("a.lucos");
    PatchObject patch = SamplePatch.of("6.1.0-1-amd64", "a fix");
    PatchProbe probe =
        new PatchProbe(
            "flaw-is-gone",
            PatchProbe.When.AFTER,
            PatchProbe.Check.SCRIPT,
            List.of("exit 3"),
            5000,
            3,
            "fixed",
            0,
            false,
            "not fixed");
    Bundle.of(List.of(patch.describedAs(patch.description().probedBy(List.of(probe))))).write(file);
    assertThat(inspect(file).probes())
        .containsExactly(
            new InspectBundle.Probe(
                "flaw-is-gone",
                "after",
                "script",
                List.of("exit 3"),
                "",
                0,
                5000,
                "exit code 3, prints 'fixed'",
                false,
                "not fixed"));
  }

  @Test
  void showsWhoHasSignedItTrustedOrNot() throws Exception {
    Path file = folder.resolve("a.lucos");
    SigningKey key = SigningKey.generate("me");
    Bundle bundle = Bundle.of(List.of(SamplePatch.of("6.1.0-1-amd64", "a fix"))).signedBy(key);
    bundle.write(file);

    assertThat(inspect(file).signature().state()).isEqualTo("signer-unknown");
    assertThat(inspect(file).keyIds()).containsExactly(key.verifyKey().id());
    Files.writeString(folder.resolve("friend.pub"), key.verifyKey().toPem());
    assertThat(inspect(file).signature().state()).isEqualTo("trusted");
    assertThat(inspect(file).signature().signer()).isEqualTo("friend");
  }
}
