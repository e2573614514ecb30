package org.lucos.tests.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A guest's libvirt domain, made by {@code vm-images/boot.sh} and tied to this process through the
 * script's standard input: when this process ends, however that happens, the domain ends.
 */
final class TestDomain implements BootedDomain {
  private static final Duration BUILD_LIMIT = Duration.ofMinutes(15);
  private static final Duration SCRIPT_LIMIT = Duration.ofMinutes(1);
  private static final int LOG_TAIL_LINES = 60;

  private final String name;
  private final String release;
  private final Process script;
  private final Path console;
  private final Path log;
  private final long started;

  private TestDomain(
      String name, String release, Process script, Map<String, String> facts, long started) {
    this.name = name;
    this.release = release;
    this.script = script;
    this.console = Path.of(fact(facts, "console"));
    this.log = Path.of(fact(facts, "log"));
    this.started = started;
  }

  /** Builds the image if it is not in the cache, and starts a domain from it. */
  static TestDomain start(GuestSpec spec) {
    HostCommand.run(SCRIPT_LIMIT, List.of(bootScript(), "--destroy-stale"));
    Map<String, String> image = Prepared.image(spec).orElseGet(() -> build(spec));
    long owner = ProcessHandle.current().pid();
    String name = "lucos-test-" + owner + "-" + UUID.randomUUID().toString().substring(0, 8);
    List<String> command = new ArrayList<>();
    command.addAll(List.of(bootScript(), "--tied", "--name=" + name, "--owner=" + owner));
    for (String part : List.of("kernel", "initrd", "disk")) {
      if (image.containsKey(part)) {
        command.add("--" + part + "=" + fact(image, part));
      }
    }
    command.add("--vcpus=" + spec.machine().vcpus());
    command.add("--memory=" + spec.machine().memoryMib());
    command.add("--append=" + spec.commandLine());
    if (spec.machine().agentChannel()) {
      command.add("--agent");
    }
    if (spec.machine().toolsChannel()) {
      command.add("--tools");
    }
    if (spec.machine().inTurn()) {
      command.add("--in-turn");
    }
    try {
      Path files = Files.createTempDirectory("lucos-files");
      try {
        if (spec.image() == GuestSpec.Image.DEBIAN) {
          copy(filesOf(spec), files);
          command.add("--files=" + files);
        }
        return start(name, fact(image, "release"), command);
      } finally {
        deleteTree(files);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static TestDomain start(String name, String release, List<String> command)
      throws IOException {
    long started = System.nanoTime();
    Path errors = Files.createDirectories(Repository.logs()).resolve(name + ".boot.log");
    Process script = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    Map<String, String> facts = new HashMap<>();
    BufferedReader reader =
        new BufferedReader(new InputStreamReader(script.getInputStream(), StandardCharsets.UTF_8));
    String line = reader.readLine();
    while (line != null && !facts.containsKey("log")) {
      facts.putAll(HostCommand.facts(line));
      line = facts.containsKey("log") ? null : reader.readLine();
    }
    String complaint = Files.readString(errors);
    Files.delete(errors);
    if (!facts.containsKey("log")) {
      script.destroy();
      throw new GuestFailure("guest " + name + " does not start: " + complaint);
    }
    return new TestDomain(name, release, script, facts, started);
  }

  /** Builds the image if it is not in the cache, and tells where its parts are. */
  static Map<String, String> build(GuestSpec spec) {
    return HostCommand.facts(HostCommand.run(BUILD_LIMIT, recipe(spec)));
  }

  private static List<String> recipe(GuestSpec spec) {
    boolean quick = spec.image() == GuestSpec.Image.QUICK;
    String recipe = quick ? "vm-images/quick/build.sh" : "vm-images/debian/build.sh";
    List<String> command = new ArrayList<>();
    command.add(Repository.root().resolve(recipe).toString());
    spec.kernel()
        .release()
        .ifPresentOrElse(
            release -> command.add("--release=" + release),
            () -> command.add("--flavour=" + spec.kernel().flavour()));
    spec.kernel().series().ifPresent(series -> command.add("--series=" + series));
    if (quick) {
      spec.modules().forEach(module -> command.add("--module=" + module));
      filesOf(spec).forEach(file -> command.add("--file=" + file.onHost() + "=" + file.inGuest()));
    }
    return command;
  }

  private static List<GuestFile> filesOf(GuestSpec spec) {
    return Stream.concat(GuestPrograms.all().stream(), spec.files().stream()).toList();
  }

  private static void copy(List<GuestFile> files, Path folder) throws IOException {
    for (GuestFile file : files) {
      Path target = folder.resolve(file.inGuest().substring(1)).normalize();
      Files.createDirectories(target.getParent());
      Files.copy(file.onHost(), target, StandardCopyOption.COPY_ATTRIBUTES);
    }
  }

  private static void deleteTree(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private static String bootScript() {
    return Repository.root().resolve("vm-images/boot.sh").toString();
  }

  private static String fact(Map<String, String> facts, String key) {
    String value = facts.get(key);
    if (value == null) {
      throw new GuestFailure("the script did not tell " + key + ": " + facts);
    }
    return value;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String release() {
    return release;
  }

  @Override
  public Path console() {
    return console;
  }

  @Override
  public Duration age() {
    return Duration.ofNanos(System.nanoTime() - started);
  }

  @Override
  public boolean isAlive() {
    return script.isAlive();
  }

  @Override
  public String consoleLog() {
    try {
      return Files.readString(log, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String consoleTail() {
    List<String> lines = consoleLog().lines().toList();
    int from = Math.max(0, lines.size() - LOG_TAIL_LINES);
    return "\n--- console, all of it in "
        + keepLog()
        + " ---\n"
        + String.join("\n", lines.subList(from, lines.size()));
  }

  private Path keepLog() {
    try {
      Path kept = Files.createDirectories(Repository.logs()).resolve(name + ".console.log");
      return Files.copy(log, kept, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void destroy() {
    try {
      if (Files.exists(log)) {
        keepLog();
      }
      script.getOutputStream().close();
      if (!script.waitFor(30, TimeUnit.SECONDS)) {
        script.destroyForcibly();
      }
      HostCommand.run(SCRIPT_LIMIT, List.of(bootScript(), "--destroy", name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
