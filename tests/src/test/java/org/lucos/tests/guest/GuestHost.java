package org.lucos.tests.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * A libvirt host of its own beside this machine's ({@code vm-images/host.sh}): guests can be
 * migrated between two of them. It ends with this process, and its guests with it.
 */
public final class GuestHost implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofMinutes(2);

  private final Path folder;
  private final Process script;
  private final String connection;
  private final String pid;

  private GuestHost(Path folder, Process script, Map<String, String> facts) {
    this.folder = folder;
    this.script = script;
    this.connection = facts.getOrDefault("connection", "");
    this.pid = facts.getOrDefault("pid", "");
  }

  /** Starts one and waits until its libvirt answers. */
  public static GuestHost start() {
    TestGuest.requireRoot();
    try {
      Path folder = Files.createTempDirectory(Path.of("/tmp"), "lh"); // sockets need short paths
      Process script =
          new ProcessBuilder(
                  Repository.root().resolve("vm-images/host.sh").toString(), folder.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      Map<String, String> facts = new HashMap<>();
      BufferedReader reader =
          new BufferedReader(
              new InputStreamReader(script.getInputStream(), StandardCharsets.UTF_8));
      String line = reader.readLine();
      while (line != null && !facts.containsKey("pid")) {
        facts.putAll(HostCommand.facts(line));
        line = facts.containsKey("pid") ? null : reader.readLine();
      }
      if (!facts.containsKey("pid")) {
        throw new GuestFailure("no second host: see " + folder);
      }
      return new GuestHost(folder, script, facts);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How this machine's virsh reaches it. */
  public String connection() {
    return connection;
  }

  /** A file of this host below its {@code /run}, as this machine names it. */
  public Path run(String path) {
    return folder.resolve("run").resolve(path);
  }

  /** Runs virsh on this host, which must succeed; returns what it prints. */
  public String virsh(String... arguments) {
    List<String> command = new ArrayList<>(List.of("virsh", "-q", "-c", connection));
    command.addAll(List.of(arguments));
    return HostCommand.run(LIMIT, command).strip();
  }

  /** What runs a command on this host, seeing its processes and files. */
  public List<String> command(List<String> command) {
    List<String> all = new ArrayList<>(List.of("nsenter", "-t", pid, "-m", "-p", "-n", "-u"));
    all.addAll(command);
    return all;
  }

  /** Boots the newest quick guest of 6.1; it starts anew on reboot and stays when it crashes. */
  public HostedGuest boot(String name) {
    return boot(name, "", List.of(), List.of());
  }

  /** Boots such a guest with a port for the agent, which nothing in it starts. */
  public HostedGuest bootWithAgent(String name, GuestFile agent) {
    return boot(
        name,
        "",
        List.of(
            "--module=virtio_pci",
            "--module=virtio_console",
            "--file=" + agent.onHost() + "=" + agent.inGuest()),
        List.of("--agent"));
  }

  /** Boots such a guest with a qcow2 disk, empty but for the snapshots that libvirt puts there. */
  public HostedGuest bootWithSnapshots(String name) {
    Path disk = run(name + ".qcow2");
    HostCommand.run(
        LIMIT, List.of("qemu-img", "create", "-q", "-f", "qcow2", disk.toString(), "8M"));
    return boot(
        name,
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='unsafe'/>"
            + "<source file='"
            + disk
            + "'/><target dev='vda' bus='virtio'/></disk>",
        List.of(),
        List.of());
  }

  private HostedGuest boot(
      String name, String devices, List<String> building, List<String> booting) {
    Map<String, String> image =
        HostCommand.facts(
            HostCommand.run(
                Duration.ofMinutes(15),
                with(building, script("quick/build.sh"), "--flavour=cloud-amd64", "--series=6.1")));
    String xml =
        HostCommand.run(
            LIMIT,
            with(
                booting,
                script("boot.sh"),
                "--xml",
                "--name=" + name,
                "--accelerator=tcg",
                "--kernel=" + image.get("kernel"),
                "--initrd=" + image.get("initrd"),
                "--memory=256",
                "--append=quiet"));
    try {
      Path file = run(name + ".xml");
      Files.writeString(
          file,
          xml.replaceFirst("<name>", "<uuid>" + UUID.randomUUID() + "</uuid><name>")
              .replace("</devices>", devices + "</devices>")
              .replace("<on_reboot>destroy", "<on_reboot>restart")
              .replace("<on_crash>destroy", "<on_crash>preserve"));
      prepare(name);
      start(name);
      return new HostedGuest(this, name, image.getOrDefault("release", ""));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> with(List<String> more, String... command) {
    return Stream.concat(Stream.of(command), more.stream()).toList();
  }

  /** Starts a guest that was booted here before and has ended: the same domain, booting anew. */
  void start(String guest) {
    virsh("create", run(guest + ".xml").toString());
  }

  /** Kills a guest's QEMU (signal 9). */
  public void killQemu(String guest) {
    kill(run("libvirt/qemu/" + guest + ".pid"));
  }

  /** Kills this host's libvirt daemon (signal 9); its guests run on. */
  public void killLibvirt() {
    kill(run("libvirtd.pid"));
  }

  /** Starts the daemon anew and waits until it answers. */
  public void startLibvirt() {
    HostCommand.run(LIMIT, command(List.of("libvirtd", "-d")));
    virsh("list");
  }

  /** The process ids in such a file are this host's own: nobody else's process can be meant. */
  private void kill(Path pidFile) {
    try {
      String process = Files.readString(pidFile).strip();
      HostCommand.run(LIMIT, command(List.of("kill", "-9", process)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Makes the folder that a guest's serial ports are in. */
  void prepare(String guest) {
    try {
      Files.createDirectories(run("lucos/" + guest));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The socket of a guest's port with the shell for programs. */
  Path console(String guest) {
    return run("lucos/" + guest + "/console");
  }

  private static String script(String name) {
    return Repository.root().resolve("vm-images").resolve(name).toString();
  }

  @Override
  public void close() {
    try {
      script.getOutputStream().close();
      if (!script.waitFor(30, TimeUnit.SECONDS)) {
        script.destroyForcibly().waitFor();
      }
      try (Stream<Path> all = Files.walk(folder)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(path);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
