package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.lucos.bench.guest.BootedGuest;
import org.lucos.bench.harness.Setting;
import org.lucos.bridge.domain.DomainFacts;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;

/** A guest of a scenario with two vCPUs, and a connection to it. */
final class ScenarioGuest implements AutoCloseable {
  static final int VCPUS = 2;

  private final BootedGuest guest;
  private final Hypervisor hypervisor;
  private final GuestDomain domain;
  private final String release;

  private ScenarioGuest(BootedGuest guest, Hypervisor hypervisor) {
    this.guest = guest;
    this.hypervisor = hypervisor;
    this.domain = hypervisor.attach(guest.name());
    this.release = guest.run("uname -r").strip();
  }

  /**
   * Boots it.
   *
   * @param programs of {@code vm-images/programs}, for its {@code /bin}
   * @param agent its agent's program, which is not started
   */
  static ScenarioGuest boot(
      Setting setting, String name, List<String> programs, Optional<Path> agent) {
    return boot(setting, name, List.of(), VCPUS, List.of(), programs, agent);
  }

  /** Boots one, perhaps with programs of this host. */
  static ScenarioGuest bootWith(
      Setting setting, String name, List<String> programs, Optional<HostPrograms> ofHost) {
    if (ofHost.isEmpty()) {
      return boot(setting, name, programs, Optional.empty());
    }
    ScenarioGuest guest =
        boot(
            setting,
            name,
            List.of("--files", ofHost.get().folder().toString()),
            VCPUS,
            List.of("virtio_pci", "virtio_blk"),
            programs,
            Optional.empty());
    try {
      guest.run("tar -C / -xf /dev/vda"); // its only disk
      return guest;
    } catch (RuntimeException e) {
      guest.close();
      throw e;
    }
  }

  /**
   * Boots one that may change its own code while all its vCPUs run it, as livepatch and kprobes do.
   * Where it is emulated with a thread for each vCPU, QEMU may go on running code that has been
   * replaced, and the guest then hangs: so its vCPUs take turns there.
   */
  static ScenarioGuest bootInTurn(
      Setting setting, String name, List<String> programs, Optional<Path> agent) {
    return boot(setting, name, List.of("--in-turn"), VCPUS, List.of(), programs, agent);
  }

  /**
   * Boots one with a single vCPU, emulated, whose clocks go by instructions: a nanosecond of its
   * time is one of them.
   */
  static ScenarioGuest bootCounted(Setting setting, String name, List<String> programs) {
    return boot(setting, name, List.of("--counted"), 1, List.of(), programs, Optional.empty());
  }

  /** Boots one with so much memory. */
  static ScenarioGuest bootOfSize(Setting setting, String name, int mebibytes) {
    List<String> machine = List.of("--memory", Integer.toString(mebibytes));
    return boot(setting, name, machine, VCPUS, List.of(), List.of(), Optional.empty());
  }

  private static ScenarioGuest boot(
      Setting setting,
      String name,
      List<String> machine,
      int vcpus,
      List<String> modules,
      List<String> programs,
      Optional<Path> agent) {
    BootedGuest guest =
        BootedGuest.boot(
            setting.home().resolve("vm-images"),
            "lucos-bench-" + name + "-" + ProcessHandle.current().pid(),
            machine,
            setting.kernel(),
            vcpus,
            modules,
            programs.stream().map(program -> Inputs.program(setting, program)).toList(),
            Inputs.programs(setting),
            agent);
    Hypervisor hypervisor = null;
    boolean done = false;
    try {
      hypervisor = Hypervisor.open(setting.settings().connection());
      ScenarioGuest attached = new ScenarioGuest(guest, hypervisor);
      done = true;
      return attached;
    } finally {
      if (!done) {
        if (hypervisor != null) {
          hypervisor.close();
        }
        guest.close();
      }
    }
  }

  String name() {
    return guest.name();
  }

  String release() {
    return release;
  }

  GuestDomain domain() {
    return domain;
  }

  String run(String command) {
    return guest.run(command);
  }

  /** Numbers that a command prints, one a line. */
  List<Long> numbers(String command) {
    return Arrays.stream(run(command).strip().split("\\s+")).map(Long::parseLong).toList();
  }

  void write(String path, byte[] content) {
    guest.write(path, content);
  }

  /** Only a guest that was booted with it has one. */
  void startAgent() {
    guest.startAgent();
  }

  /** Does something while every CPU of the guest is busy with system calls. */
  void underLoad(Runnable work) {
    run("syscall_load " + VCPUS + " 100000 >/tmp/load 2>&1 & echo $! >/tmp/load.pid");
    try {
      work.run();
    } finally {
      run("kill $(cat /tmp/load.pid); while killall -0 syscall_load; do sleep 0.1; done");
    }
  }

  /** For people. */
  String facts() {
    DomainFacts facts = domain.facts();
    return String.format(
        "%s, %d vCPUs, %d MiB, %s, %s",
        release, facts.vcpus(), facts.memoryBytes() >> 20, facts.accelerator(), facts.hypervisor());
  }

  @Override
  public void close() {
    try (guest;
        hypervisor) {
      domain.close();
    }
  }
}
