package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.tests.guest.HostCommand;
import org.lucos.tests.guest.Repository;
import org.lucos.tests.guest.TestGuest;

/** The example livepatch as a module that the guest's own livepatch takes. */
final class GuestLivepatch {
  /** Name of the module. */
  static final String MODULE = "klp_example";

  private static final String ENABLED = "/sys/kernel/livepatch/" + MODULE + "/enabled";
  private static final Duration BUILD_LIMIT = Duration.ofMinutes(5);

  private final TestGuest guest;

  private GuestLivepatch(TestGuest guest) {
    this.guest = guest;
  }

  /** Builds it for the guest's kernel in a folder and puts it into the guest. */
  static GuestLivepatch bring(TestGuest guest, Path folder) {
    try {
      Path output =
          KernelTrees.onThisHost(Repository.cache())
              .prepare(guest.release(), BuildListener.SILENT)
              .output();
      Path example = Repository.root().resolve("kernel-patches/examples/livepatch-uptime.c");
      Files.copy(example, folder.resolve(MODULE + ".c"));
      Files.writeString(folder.resolve("Makefile"), "obj-m := " + MODULE + ".o\n");
      HostCommand.run(BUILD_LIMIT, List.of("make", "-C", output.toString(), "M=" + folder));
      Path module = folder.resolve(MODULE + ".ko");
      HostCommand.run(BUILD_LIMIT, List.of("strip", "--strip-debug", module.toString()));
      guest.write("/tmp/" + MODULE + ".ko", Files.readAllBytes(module));
      return new GuestLivepatch(guest);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void enable() {
    guest.run("insmod /tmp/" + MODULE + ".ko");
    guest.run("while [ $(cat " + transition() + ") != 0 ]; do sleep 0.2; done");
    assertThat(isInEffect()).isTrue();
  }

  void disable() {
    guest.run("echo 0 >" + ENABLED);
    guest.run("while [ -e " + ENABLED + " ]; do sleep 0.2; done");
    guest.run("while ! rmmod " + MODULE + " 2>/dev/null; do sleep 0.2; done");
    assertThat(isInEffect()).isFalse();
  }

  boolean isInEffect() {
    return guest.run("cat /proc/uptime").contains("lucos example: up for");
  }

  private static String transition() {
    return "/sys/kernel/livepatch/" + MODULE + "/transition";
  }
}
