package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.app.SamplePatch;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.trust.SigningKey;

/** Programs that a bundle brings along for its probes. */
class BundledProgramsTest {
  private static final SigningKey KEY = SigningKey.generate("me");

  @TempDir static Path programs;
  @TempDir Path folder;

  private static Bytes one;
  private static Bytes other;

  @BeforeAll
  static void compile() throws IOException {
    one = program("one.c", "int main(void) { return 0; }\n");
    other = program("other.c", "int main(void) { return 10; }\n");
  }

  private static Bytes program(String name, String code) throws IOException {
    return ProbeProgram.compile(
        Files.writeString(programs.resolve(name), code), new ProcessCommands());
  }

  private static PatchObject patch(ProbeSet probes) {
    PatchObject patch = SamplePatch.of("6.1.0-1-amd64", "a fix");
    return patch.describedAs(patch.description().probedBy(probes.probes()));
  }

  private static Bundle bundle() {
    ProbeSet probes = ProbeSet.ofObserver("observe", one);
    return Bundle.of(List.of(patch(probes)), List.of(), probes.programs());
  }

  private static String path(Bytes program) {
    return Bundle.PROGRAMS + program.sha256();
  }

  private Bundle read(byte[] bytes) {
    try {
      return Bundle.read(Files.write(folder.resolve("some.lucos"), bytes));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void assertRefused(
      Consumer<Map<String, Bytes>> change, Class<? extends InputRefusal> kind, String detail) {
    Map<String, Bytes> entries =
        new LinkedHashMap<>(BundleArchive.read("some", bundle().signedBy(KEY).toBytes()));
    change.accept(entries);
    assertThatThrownBy(() -> read(BundleArchive.write(entries)))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> {
              assertThat(e.refusal()).isInstanceOf(kind);
              assertThat(e.refusal().message()).contains(detail);
            });
  }

  @Test
  void observersProgramIsThereOnceForTwoProbes() {
    Bundle bundle = read(bundle().signedBy(KEY).toBytes());
    assertThat(bundle.programs()).containsExactly(Map.entry(one.sha256(), one));
    assertThat(bundle.manifest().description().probes())
        .extracting(PatchProbe::name, PatchProbe::exitCode, PatchProbe::program)
        .containsExactly(
            tuple("flaw-is-seen", 10, one.sha256()), tuple("flaw-is-gone", 0, one.sha256()));
    assertThat(BundleArchive.read("some", bundle.toBytes()).keySet()).last().isEqualTo(path(one));
  }

  @Test
  void programsThatNoProbeRunsAreLeftOutAndMissingOnesAreAnError() {
    ProbeSet probes = ProbeSet.ofObserver("observe", one);
    Map<String, Bytes> more = Map.of(one.sha256(), one, other.sha256(), other);
    assertThat(Bundle.of(List.of(patch(probes)), List.of(), more).programs())
        .containsOnlyKeys(one.sha256());
    assertThatThrownBy(() -> Bundle.of(List.of(patch(probes))))
        .hasMessageContaining("without its program");
    assertThatThrownBy(
            () -> Bundle.of(List.of(patch(probes)), List.of(), Map.of(one.sha256(), other)))
        .hasMessageContaining("without its program");
  }

  @Test
  void otherProgramsThanSignedAreRefused() {
    assertRefused(
        entries -> entries.put(path(one), other), InputRefusal.BundleTampered.class, path(one));
    assertRefused(entries -> entries.remove(path(one)), InputRefusal.BadBundle.class, "missing");
    assertRefused(
        entries -> entries.put(path(other), other),
        InputRefusal.BadBundle.class,
        "not in manifest");
  }

  /** Signed, but nothing that could run: the manifest's author is not believed either. */
  @Test
  void programsThatAreNoneAreRefused() {
    Bytes none = Bytes.of(new byte[100]);
    ProbeSet probes = ProbeSet.ofObserver("observe", none);
    byte[] bytes = Bundle.of(List.of(patch(probes)), List.of(), probes.programs()).toBytes();
    assertThatThrownBy(() -> read(bytes))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> {
              assertThat(e.refusal()).isInstanceOf(InputRefusal.BadBundle.class);
              assertThat(e.refusal().message()).contains("no 64-bit ELF file");
            });
  }
}
