package org.lucos.patcher.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  /** A connection that every libvirt has, with one running domain called {@code test}. */
  private static final String TEST_DRIVER = "test:///default";

  private record Run(int exit, String out, String err) {}

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "build", "recipes", "plan", "apply", "revert", "status", "list", "verify", "doctor",
        "keygen", "sign", "inspect", "recover"
      })
  void everyCommandHasHelp(String command) {
    Run run = run(command, "--help");
    assertThat(run.exit()).isZero();
    assertThat(run.out())
        .contains("lucos " + command)
        .contains("--json", "--connect", "Exit codes:", "12");
  }

  @Test
  void aWrongCommandLineIsTwoAndSaysWhatToDo() {
    Run run = run("aply", "guest");
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("aply").contains("lucos apply").contains("--help");
    assertThat(run("apply", "guest").exit()).isEqualTo(2);
    assertThat(run("apply", "g", "b", "--timeout", "soon").exit()).isEqualTo(2);
    assertThat(run().exit()).isEqualTo(2);
    assertThat(run("revert", "guest").exit()).isEqualTo(2);
    assertThat(run("revert", "guest", "patch", "--all").exit()).isEqualTo(2);
  }

  @Test
  void aBundleIsNotTakenForTheNameOfAPatchToReplace() throws Exception {
    String file = Files.writeString(directory.resolve("fix.lucos"), "a bundle").toString();
    Run run = run("apply", "guest", file, "--replace", file);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("before --replace");
    assertThat(run("apply", "guest", file, "--replace").exit()).as("no bundle").isEqualTo(9);
    assertThat(run("apply", "guest", file, "--replace=old").exit()).as("no bundle").isEqualTo(9);
  }

  @Test
  void aMissingGuestIsThreeWithCodeAndRemedyInJson() throws Exception {
    Run run = run("status", "nobody", "--json", "--connect", TEST_DRIVER);
    assertThat(run.exit()).isEqualTo(3);
    JsonNode error = new ObjectMapper().readTree(run.out()).get("error");
    assertThat(error.get("code").asText()).isEqualTo("domain-not-found");
    assertThat(error.get("exitCode").asInt()).isEqualTo(3);
    assertThat(error.get("remedy").asText()).isNotEmpty();
  }

  @Test
  void aDomainThatIsNotQemusIsThree() {
    Run run = run("status", "test", "--connect", TEST_DRIVER);
    assertThat(run.exit()).isEqualTo(3);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("'test'");
  }

  @Test
  void aDiffThatIsNoneIsNineAndAnUnknownRecipeToo() throws Exception {
    Path diff = Files.writeString(directory.resolve("fix.patch"), "no diff at all\n");
    assertThat(run("build", "-k", "6.1.0-1-cloud-amd64", diff.toString()).exit()).isEqualTo(9);
  }

  @Test
  void keysAreMadeOnce() throws Exception {
    String file = directory.resolve("my.key").toString();
    assertThat(run("keygen", file).exit()).isZero();
    assertThat(directory.resolve("my.key.pub")).isRegularFile();
    Run again = run("keygen", file, "--json");
    assertThat(again.exit()).isEqualTo(9);
    assertThat(again.out()).contains("file-exists");
  }

  @Test
  void durationsAreReadInMillisecondsSecondsAndMinutes() {
    Options.DurationConverter converter = new Options.DurationConverter();
    assertThat(converter.convert("500ms")).hasMillis(500);
    assertThat(converter.convert("30s")).hasSeconds(30);
    assertThat(converter.convert("2m")).hasMinutes(2);
    assertThat(converter.convert("7")).hasSeconds(7);
  }

  private static Run run(String... arguments) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream saidOut = new ByteArrayOutputStream();
    ByteArrayOutputStream saidErr = new ByteArrayOutputStream();
    try {
      System.setOut(new PrintStream(saidOut, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(saidErr, true, StandardCharsets.UTF_8));
      int exit = Main.run(arguments);
      return new Run(
          exit, saidOut.toString(StandardCharsets.UTF_8), saidErr.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }
}
