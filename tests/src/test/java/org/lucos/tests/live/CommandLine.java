package org.lucos.tests.live;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.cli.Main;

/** The command in a process of its own, as a script runs it. */
final class CommandLine {
  private CommandLine() {}

  /** How it ended, and what it said with {@code --json}. */
  record Answer(int exit, JsonNode json) {}

  static Answer lucos(String... arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(List.of(arguments));
    command.add("--json");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    Settings settings = Bundles.settings();
    builder.environment().put("LUCOS_CACHE", settings.cache().toString());
    builder.environment().put("LUCOS_STATE", settings.state().toString());
    builder.environment().put("LUCOS_LOCKS", settings.locks().toString());
    builder.environment().put("LUCOS_RECIPES", settings.recipes().toString());
    builder.environment().put("LUCOS_KEYS", settings.keys().toString());
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int exit = process.waitFor();
    return new Answer(exit, new ObjectMapper().readTree(output));
  }
}
