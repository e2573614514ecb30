package org.lucos.tests.guest;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which guest to boot. Kernels are chosen from what the package index offers; the newest that fits
 * is taken.
 *
 * @param image what runs above the kernel
 * @param kernel which one
 * @param machine what it runs on
 * @param commandLine words added to the kernel command line
 * @param modules kernel modules of the package to load at boot, with what they need
 * @param files files to add to the guest
 */
public record GuestSpec(
    Image image,
    Kernel kernel,
    Machine machine,
    String commandLine,
    List<String> modules,
    List<GuestFile> files) {

  /** The recipes in {@code vm-images}. */
  public enum Image {
    /** The kernel and busybox: up in seconds. */
    QUICK,
    /** Debian 12 with systemd and a few daemons: up in half a minute. */
    DEBIAN
  }

  /**
   * A kernel.
   *
   * @param flavour {@code cloud-amd64}, {@code amd64} or {@code rt-amd64}
   * @param series such as {@code 6.1}; empty for the newest
   * @param release exactly this {@code uname -r}; empty for the newest of the series
   */
  public record Kernel(String flavour, Optional<String> series, Optional<String> release) {}

  /**
   * A machine.
   *
   * @param vcpus 1 to 16
   * @param inTurn emulated, the vCPUs take turns on one thread: QEMU 7.2, whose vCPUs have a thread
   *     each, may go on running code that one of them has replaced while another was translating
   *     it. A kernel that switches many probes and tracers hangs by that in minutes.
   * @param memoryMib at least 128
   * @param agentChannel whether there is a virtio-serial port for an agent
   * @param toolsChannel whether there is one for {@code qemu-guest-agent}
   */
  public record Machine(
      int vcpus, boolean inTurn, int memoryMib, boolean agentChannel, boolean toolsChannel) {
    /** Refuses what cannot be booted. */
    public Machine {
      if (vcpus < 1 || vcpus > 16) {
        throw new IllegalArgumentException("vcpus out of range: " + vcpus);
      }
      if (memoryMib < 128) {
        throw new IllegalArgumentException("too little memory: " + memoryMib + " MiB");
      }
    }
  }

  /** Copies the lists. */
  public GuestSpec {
    modules = List.copyOf(modules);
    files = List.copyOf(files);
  }

  /** The newest cloud kernel of a series, one vCPU, 512 MiB. */
  public static GuestSpec cloud(String series) {
    return of("cloud-amd64", series);
  }

  /** The newest kernel of a flavour and series, one vCPU, 512 MiB. */
  public static GuestSpec of(String flavour, String series) {
    return of(new Kernel(flavour, Optional.of(series), Optional.empty()));
  }

  /** Exactly the kernel that calls itself so, one vCPU, 512 MiB. */
  public static GuestSpec release(String release) {
    return of(new Kernel("", Optional.empty(), Optional.of(release)));
  }

  private static GuestSpec of(Kernel kernel) {
    Machine machine = new Machine(1, false, 512, false, false);
    return new GuestSpec(Image.QUICK, kernel, machine, "quiet", List.of(), List.of());
  }

  /** Debian 12 with the newest cloud kernel of a series, one vCPU, 1 GiB. */
  public static GuestSpec debian(String series) {
    return cloud(series).withImage(Image.DEBIAN).withMemoryMib(1024);
  }

  public GuestSpec withImage(Image kind) {
    return new GuestSpec(kind, kernel, machine, commandLine, modules, files);
  }

  public GuestSpec withVcpus(int count) {
    return with(
        new Machine(
            count, machine.inTurn, machine.memoryMib, machine.agentChannel, machine.toolsChannel));
  }

  public GuestSpec withVcpusInTurn(boolean inTurn) {
    return with(
        new Machine(
            machine.vcpus, inTurn, machine.memoryMib, machine.agentChannel, machine.toolsChannel));
  }

  public GuestSpec withMemoryMib(int mib) {
    return with(
        new Machine(
            machine.vcpus, machine.inTurn, mib, machine.agentChannel, machine.toolsChannel));
  }

  private GuestSpec with(Machine other) {
    return new GuestSpec(image, kernel, other, commandLine, modules, files);
  }

  /** With these words after those already there. */
  public GuestSpec withCommandLine(String words) {
    String both = (commandLine + " " + words).strip();
    return new GuestSpec(image, kernel, machine, both, modules, files);
  }

  public GuestSpec withModule(String name) {
    return new GuestSpec(image, kernel, machine, commandLine, appended(modules, name), files);
  }

  public GuestSpec withFile(GuestFile file) {
    return new GuestSpec(image, kernel, machine, commandLine, modules, appended(files, file));
  }

  /** With a port for the agent, the driver for it, and the agent as a file; nothing starts it. */
  public GuestSpec withAgent(GuestFile agent) {
    return withFile(agent)
        .withModule("virtio_pci")
        .withModule("virtio_console")
        .with(
            new Machine(
                machine.vcpus, machine.inTurn, machine.memoryMib, true, machine.toolsChannel));
  }

  /** With a port for {@code qemu-guest-agent}, which the Debian image has. */
  public GuestSpec withTools() {
    return with(
        new Machine(machine.vcpus, machine.inTurn, machine.memoryMib, machine.agentChannel, true));
  }

  private static <T> List<T> appended(List<T> list, T element) {
    List<T> longer = new ArrayList<>(list);
    longer.add(element);
    return longer;
  }
}
