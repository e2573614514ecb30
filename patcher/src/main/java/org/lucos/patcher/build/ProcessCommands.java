package org.lucos.patcher.build;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Runs programs as child processes of the controller. */
public final class ProcessCommands implements HostCommands {

  @Override
  public CommandOutcome run(Command command) {
    return pipe(List.of(command));
  }

  @Override
  public CommandOutcome pipe(List<Command> commands) {
    List<ProcessBuilder> builders = new ArrayList<>();
    for (Command command : commands) {
      ProcessBuilder builder = new ProcessBuilder(command.argv());
      command.directory().ifPresent(directory -> builder.directory(directory.toFile()));
      builder.environment().putAll(command.environment());
      builders.add(builder);
    }
    Command last = commands.get(commands.size() - 1);
    ProcessBuilder first = builders.get(0);
    first.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
    last.output()
        .ifPresent(file -> builders.get(builders.size() - 1).redirectOutput(file.toFile()));
    List<Process> processes = start(commands, builders);
    try {
      return await(commands, processes);
    } finally {
      processes.forEach(ProcessCommands::destroy);
    }
  }

  private static List<Process> start(List<Command> commands, List<ProcessBuilder> builders) {
    try {
      return ProcessBuilder.startPipeline(builders);
    } catch (IOException e) {
      // Java says "Cannot run program X ...: error=2" for a program that is not there.
      String programs = String.join(", ", commands.stream().map(Command::program).toList());
      if (String.valueOf(e.getMessage()).contains("error=2,")) {
        throw new RefusedException(
            new HostRefusal.HostNotReady(
                "a program of " + programs,
                "install the build tools: ./lucos doctor lists the Debian packages"),
            e);
      }
      throw new BuildFailedException("cannot start " + programs, e);
    }
  }

  private static CommandOutcome await(List<Command> commands, List<Process> processes) {
    List<CompletableFuture<String>> errors = new ArrayList<>();
    for (Process process : processes) {
      errors.add(
          CompletableFuture.supplyAsync(() -> drain(process.getErrorStream()), Watched.THREADS));
    }
    int lastIndex = processes.size() - 1;
    Process last = processes.get(lastIndex);
    CompletableFuture<String> output =
        CompletableFuture.supplyAsync(() -> drain(last.getInputStream()), Watched.THREADS);
    Command command = commands.get(lastIndex);
    int exit = 0;
    try {
      if (!last.waitFor(command.limit().toMillis(), TimeUnit.MILLISECONDS)) {
        throw new BuildFailedException(
            "took too long: program=" + command.program() + ", limit=" + command.limit());
      }
      for (Process process : processes) {
        int code = process.waitFor();
        exit = exit == 0 ? code : exit;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BuildFailedException("interrupted while running " + command.program(), e);
    }
    StringBuilder allErrors = new StringBuilder();
    errors.forEach(future -> allErrors.append(future.join()));
    return new CommandOutcome(exit, output.join(), allErrors.toString());
  }

  private static String drain(InputStream stream) {
    try (stream) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void destroy(Process process) {
    if (process.isAlive()) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }
}
