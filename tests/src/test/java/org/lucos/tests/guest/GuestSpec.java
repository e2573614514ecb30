package org.lucos.tests.guest;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which guest to boot. Kernels are chosen from what the package index offers; the newest that fits
 * is taken.
 *
 * @param image what runs above the kernel
 * @param flavour {@code cloud-amd64}, {@code amd64} or {@code rt-amd64}
 * @param series such as {@code 6.1}; empty for the newest
 * @param release exactly this {@code uname -r}; empty for the newest of the series
 * @param vcpus 1 to 16
 * @param memoryMib at least 128
 * @param commandLine words added to the kernel command line
 * @param modules kernel modules of the package to load at boot, with what they need
 * @param files files to add to the guest
 * @param agentChannel whether the domain has a virtio-serial port for an agent
 */
public record GuestSpec(
    Image image,
    String flavour,
    Optional<String> series,
    Optional<String> release,
    int vcpus,
    int memoryMib,
    String commandLine,
    List<String> modules,
    List<GuestFile> files,
    boolean agentChannel) {

  /** The recipes in {@code vm-images}. */
  public enum Image {
    /** The kernel and busybox: up in seconds. */
    QUICK,
    /** Debian 12 with systemd and a few daemons: up in half a minute. */
    DEBIAN
  }

  public GuestSpec {
    if (vcpus < 1 || vcpus > 16) {
      throw new IllegalArgumentException("vcpus out of range: " + vcpus);
    }
    if (memoryMib < 128) {
      throw new IllegalArgumentException("too little memory: " + memoryMib + " MiB");
    }
    modules = List.copyOf(modules);
    files = List.copyOf(files);
  }

  /** The newest cloud kernel of a series, one vCPU, 512 MiB. */
  public static GuestSpec cloud(String series) {
    return of("cloud-amd64", series);
  }

  /** The newest kernel of a flavour and series, one vCPU, 512 MiB. */
  public static GuestSpec of(String flavour, String series) {
    return new GuestSpec(
        Image.QUICK,
        flavour,
        Optional.of(series),
        Optional.empty(),
        1,
        512,
        "quiet",
        List.of(),
        List.of(),
        false);
  }

  /** Exactly the kernel that calls itself so, one vCPU, 512 MiB. */
  public static GuestSpec release(String release) {
    return new GuestSpec(
        Image.QUICK,
        "",
        Optional.empty(),
        Optional.of(release),
        1,
        512,
        "quiet",
        List.of(),
        List.of(),
        false);
  }

  /** Debian 12 with the newest cloud kernel of a series, one vCPU, 1 GiB. */
  public static GuestSpec debian(String series) {
    return cloud(series).withImage(Image.DEBIAN).withMemoryMib(1024);
  }

  public GuestSpec withImage(Image kind) {
    return new GuestSpec(
        kind,
        flavour,
        series,
        release,
        vcpus,
        memoryMib,
        commandLine,
        modules,
        files,
        agentChannel);
  }

  public GuestSpec withVcpus(int count) {
    return new GuestSpec(
        image,
        flavour,
        series,
        release,
        count,
        memoryMib,
        commandLine,
        modules,
        files,
        agentChannel);
  }

  public GuestSpec withMemoryMib(int mib) {
    return new GuestSpec(
        image, flavour, series, release, vcpus, mib, commandLine, modules, files, agentChannel);
  }

  /** With these words after those already there. */
  public GuestSpec withCommandLine(String words) {
    String both = (commandLine + " " + words).strip();
    return new GuestSpec(
        image, flavour, series, release, vcpus, memoryMib, both, modules, files, agentChannel);
  }

  public GuestSpec withModule(String name) {
    return new GuestSpec(
        image,
        flavour,
        series,
        release,
        vcpus,
        memoryMib,
        commandLine,
        appended(modules, name),
        files,
        agentChannel);
  }

  public GuestSpec withFile(GuestFile file) {
    return new GuestSpec(
        image,
        flavour,
        series,
        release,
        vcpus,
        memoryMib,
        commandLine,
        modules,
        appended(files, file),
        agentChannel);
  }

  /** With a port for the agent, the driver for it, and the agent as a file; nothing starts it. */
  public GuestSpec withAgent(GuestFile agent) {
    GuestSpec with = withFile(agent).withModule("virtio_pci").withModule("virtio_console");
    return new GuestSpec(
        with.image,
        with.flavour,
        with.series,
        with.release,
        with.vcpus,
        with.memoryMib,
        with.commandLine,
        with.modules,
        with.files,
        true);
  }

  private static <T> List<T> appended(List<T> list, T element) {
    List<T> longer = new ArrayList<>(list);
    longer.add(element);
    return longer;
  }
}
