package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.cli.Main;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.Repository;
import org.lucos.tests.guest.TestGuest;

/** The commands of {@code kernel-patches/PATCHING.md}, run as they stand there, on one guest. */
class AuthorsGuideTest {
  private static final String HOST = "host$ lucos ";
  private static final String GUEST = "guest# ";
  private static final String REST = "...";

  /** A command of the guide and the output it shows. */
  private record Step(String command, List<String> shown) {}

  @TempDir private Path folder;

  @Test
  void everyCommandOfTheGuideDoesWhatItShows() throws Exception {
    List<Step> steps = steps();
    assertThat(steps).hasSizeGreaterThan(20);
    try (TestGuest guest =
        TestGuest.boot(GuestSpec.cloud("6.1").withModule("binfmt_misc").withVcpus(2))) {
      guest.markKernelLog();
      Operator operator = new Operator(guest);
      for (Step step : steps) {
        String output =
            step.command().startsWith(HOST)
                ? host(step, guest)
                : guest.run(step.command().substring(GUEST.length()));
        assertShown(step, guest, output);
      }
      assertThat(operator.modules()).isEmpty();
      guest.assertNoKernelWarnings();
    }
  }

  private static List<Step> steps() throws IOException {
    List<Step> steps = new ArrayList<>();
    boolean inside = false;
    Path guide = Repository.root().resolve("kernel-patches/PATCHING.md");
    for (String line : Files.readAllLines(guide)) {
      if (line.startsWith("```")) {
        inside = line.equals("```console");
      } else if (inside && (line.startsWith(HOST) || line.startsWith(GUEST))) {
        steps.add(new Step(line, new ArrayList<>()));
      } else if (inside) {
        steps.get(steps.size() - 1).shown().add(line);
      }
    }
    return steps;
  }

  /** Each line shown is found in the output, in this order. */
  private static void assertShown(Step step, TestGuest guest, String output) {
    int from = 0;
    for (String line : step.shown()) {
      String wanted = line.replace("GUEST", guest.name()).replace(REST, "").strip();
      int at = output.indexOf(wanted, from);
      assertThat(at).as("'%s' after %s in%n%s", wanted, step.command(), output).isNotNegative();
      from = at;
    }
  }

  private String host(Step step, TestGuest guest) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    for (String word : step.command().substring(HOST.length()).split(" ", -1)) {
      command.add(
          word.equals("GUEST")
              ? guest.name()
              : word.endsWith(".lucos") ? folder.resolve(word).toString() : word);
    }
    if (command.contains("apply") || command.contains("revert")) {
      command.addAll(List.of("--timeout=60s", "--max-pause=5s")); // test guests are slow
    }
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(Repository.root().toFile()).redirectErrorStream(true);
    Settings settings = Bundles.settings();
    builder.environment().put("LUCOS_CACHE", settings.cache().toString());
    builder.environment().put("LUCOS_STATE", settings.state().toString());
    builder.environment().put("LUCOS_LOCKS", settings.locks().toString());
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    boolean refused = step.shown().stream().anyMatch(line -> line.startsWith("lucos: "));
    assertThat(process.waitFor() != 0).as("%s%n%s", step.command(), output).isEqualTo(refused);
    return output;
  }
}
