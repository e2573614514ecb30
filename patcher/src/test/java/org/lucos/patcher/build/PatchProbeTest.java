package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.patcher.build.PatchProbe.Check;
import org.lucos.patcher.build.PatchProbe.When;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

class PatchProbeTest {
  private static final PatchProbe SCRIPT =
      new PatchProbe(
          "flaw-is-gone",
          When.AFTER,
          Check.SCRIPT,
          List.of("test \"$1\" = '' &&\n\techo fixed \u2013 \\n"),
          5000,
          3,
          "fixed",
          0,
          false,
          "it is not fixed");
  private static final PatchProbe PORT =
      new PatchProbe(
          "ssh-answers",
          When.ALWAYS,
          Check.TCP,
          List.of("127.0.0.1", "22"),
          1000,
          0,
          "",
          4,
          true,
          "");

  private static final HostCommands COMMANDS = new ProcessCommands();

  @TempDir Path folder;

  private static PatchManifest manifest(List<PatchProbe> probes) {
    PatchDescription description =
        new PatchDescription("fix", "", List.of(), Instant.EPOCH, "0.1.0").probedBy(probes);
    return new PatchManifest(1, description, List.of(), List.of());
  }

  private static String json(PatchProbe... probes) {
    return new String(
        ManifestJson.write(manifest(List.of(probes))).toArray(), StandardCharsets.UTF_8);
  }

  private static PatchManifest read(String json) throws IOException {
    return ManifestJson.read(Bytes.of(json.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void manifestKeepsProbes() throws IOException {
    assertThat(read(json(SCRIPT, PORT))).isEqualTo(manifest(List.of(SCRIPT, PORT)));
    assertThat(json(PORT)).contains("\"when\" : \"always\"", "\"check\" : \"tcp\"");
  }

  @Test
  void manifestWithoutProbesSaysNothingOfThemAndIsReadAsBefore() throws IOException {
    assertThat(json()).doesNotContain("probe");
    assertThat(read(json()).description().probes()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"flaw-is-gone\"           | \"\\u001b[2J\"",
        "\"flaw-is-gone\"           | null",
        "\"after\"                  | \"whenever\"",
        "\"script\"                 | \"eval\"",
        "\"script\"                 | \"tcp\"",
        "\"script\"                 | \"file\"",
        "\"script\"                 | \"command\"",
        "5000                       | 0",
        "5000                       | 60001",
        "5000                       | \"5000\"",
        "5000                       | 1e99",
        "\"exitCode\" : 3           | \"exitCode\" : 256",
        "\"exitCode\" : 3           | \"exitCode\" : -1",
        "\"exitCode\" : 3           | \"slowdown\" : 3",
        "\"exitCode\" : 3           | \"required\" : true",
        "\"exitCode\" : 3           | \"shell\" : \"sh\"",
        "\"it is not fixed\"        | \"a\\nb\"",
        "\"output\" : \"fixed\"     | \"output\" : \"\\u0007\"",
        "test                       | \\u0000test",
        "test                       | \\u009btest",
        "\"words\"                  | \"word\"",
      })
  void hostileManifestIsNone(String from, String to) {
    assertThat(json(SCRIPT)).contains(from);
    String hostile = json(SCRIPT).replace(from, to);
    assertThatThrownBy(() -> read(hostile)).as(hostile).isInstanceOf(IOException.class);
  }

  @Test
  void limitsHold() {
    assertThatThrownBy(() -> manifest(Collections.nCopies(2, SCRIPT)))
        .hasMessageContaining("twice");
    List<PatchProbe> many =
        java.util.stream.IntStream.rangeClosed(0, PatchProbe.MOST)
            .mapToObj(i -> named("probe-" + i, Check.FILE, List.of("/a")))
            .toList();
    assertThatThrownBy(() -> manifest(many)).hasMessageContaining("at most 16");
    assertThat(named("long", Check.SCRIPT, List.of("x".repeat((12 << 10) - 1))).words()).hasSize(1);
    assertThatThrownBy(() -> named("long", Check.SCRIPT, List.of("x".repeat(12 << 10))))
        .hasMessageContaining("words");
    assertThatThrownBy(() -> named("many", Check.COMMAND, Collections.nCopies(61, "/a")))
        .hasMessageContaining("words");
    for (String port : List.of("0", "65536", "22x", "", "+22")) {
      assertThatThrownBy(() -> named("port", Check.TCP, List.of("::1", port)))
          .hasMessageContaining("words");
    }
    assertThatThrownBy(() -> named("name", Check.TCP, List.of("a host", "22")))
        .hasMessageContaining("words");
    for (String unit : List.of("ssh", "getty@tty1.service", "a\\x2db.mount")) {
      assertThat(named("unit", Check.SERVICE, List.of(unit)).words()).containsExactly(unit);
    }
    for (String unit : List.of("", "--version", "a b", "a/b", "a;b", "x".repeat(256))) {
      assertThatThrownBy(() -> named("unit", Check.SERVICE, List.of(unit)))
          .hasMessageContaining("words");
    }
  }

  private static PatchProbe named(String name, Check check, List<String> words) {
    return new PatchProbe(name, When.AFTER, check, words, 1000, 0, "", 0, false, "");
  }

  @Test
  void authorsWriteProbesBesideTheirPatch() throws IOException {
    Path edit = Files.writeString(folder.resolve("a.edit"), "");
    assertThat(ProbeFile.ofEdit(edit)).isEmpty();
    Path file = folder.resolve("a.probes.json");
    String text =
        """
        [{"name": "p", "when": "after", "check": "script", "limitMilliseconds": 10,
          "scriptFile": "p.sh"}]
        """;
    Files.writeString(file, text);
    assertThat(ProbeFile.ofEdit(edit)).isEqualTo(Optional.of(file));
    assertRefused(file, "no such file");
    Files.writeString(folder.resolve("p.sh"), "exit 0\n");
    assertThat(ProbeFile.read(file, COMMANDS).probes())
        .singleElement()
        .satisfies(probe -> assertThat(probe.words()).containsExactly("exit 0\n"));

    Files.writeString(file, text.replace("p.sh", "../p.sh"));
    assertRefused(file, "scriptFile");
    Files.writeString(file, text.replace("\"name\": \"p\",", ""));
    assertRefused(file, "name");
    Files.writeString(file, "{}");
    assertRefused(file, "array");
    Files.writeString(file, "no");
    assertRefused(file, "");
  }

  private static void assertRefused(Path file, String detail) {
    assertThatThrownBy(() -> ProbeFile.read(file, COMMANDS))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> {
              assertThat(e.refusal()).isInstanceOf(InputRefusal.BadSource.class);
              assertThat(e.refusal().message()).contains(detail);
            });
  }

  @Test
  void authorsBringProgramsAlong() throws IOException {
    Path file = folder.resolve("a.probes.json");
    String text =
        """
        [{"name": "p", "when": "after", "check": "program", "limitMilliseconds": 10,
          "programFile": "look.c"}]
        """;
    Files.writeString(file, text);
    assertRefused(file, "no such file");
    Files.writeString(folder.resolve("look.c"), "int main(void) { return 0; }\n");
    ProbeSet probes = ProbeFile.read(file, COMMANDS);
    PatchProbe probe = probes.probes().get(0);
    assertThat(probe.words()).containsExactly("look");
    assertThat(probes.program(probe).orElseThrow().sha256()).isEqualTo(probe.program());
    assertThat(read(json(probe)).description().programs()).containsExactly(probe.program());

    String digest = "ab".repeat(32);
    Files.writeString(file, text.replace("\"name\"", "\"program\": \"" + digest + "\", \"name\""));
    assertRefused(file, "programFile");
    Files.writeString(file, text.replace("look.c", "../look.c"));
    assertRefused(file, "programFile");
    Files.writeString(file, text.replace("\"name\"", "\"exitCode\": 20, \"name\""));
    assertRefused(file, "exitCode");
    Files.writeString(file, text.replace("\"program\"", "\"script\""));
    assertRefused(file, "program");
  }

  @Test
  void programsAreNamedByTheirDigestAndOnlyTheyAre() {
    assertThat(brought(Check.PROGRAM, "ab".repeat(32)).program()).hasSize(64);
    for (String digest : List.of("", "ab", "AB".repeat(32), "../" + "a".repeat(61))) {
      assertThatThrownBy(() -> brought(Check.PROGRAM, digest)).hasMessageContaining("SHA-256");
    }
    assertThatThrownBy(() -> brought(Check.SCRIPT, "ab".repeat(32)))
        .hasMessageContaining("SHA-256");
  }

  private static PatchProbe brought(Check check, String digest) {
    return new PatchProbe(
        "p", When.AFTER, check, List.of("look"), 1000, 0, "", 0, false, "", digest);
  }

  @Test
  void recipesMayHaveProbes() throws IOException {
    Files.createDirectories(folder.resolve("fixes/one"));
    Files.createDirectories(folder.resolve("mechanism"));
    Path fix = Files.writeString(folder.resolve("fixes/one/probes.json"), "[]");
    Path edit = Files.writeString(folder.resolve("mechanism/two.probes.json"), "[]");
    assertThat(ProbeFile.ofRecipe(folder, "one")).contains(fix);
    assertThat(ProbeFile.ofRecipe(folder, "two")).contains(edit);
    assertThat(ProbeFile.ofRecipe(folder, "three")).isEmpty();
    assertThat(ProbeFile.ofRecipe(folder, "../fixes/one")).isEmpty();
  }
}
