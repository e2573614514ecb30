package org.lucos.tests.kernel;

import java.nio.file.Path;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.kernel.RunningKernel;

/** Attaches once, as a fresh process does, and prints how long finding the kernel took. */
final class AttachOnce {
  private AttachOnce() {}

  /** Arguments: domain, cache directory. */
  @SuppressWarnings("SystemOut")
  public static void main(String[] arguments) {
    try (Hypervisor hypervisor = Hypervisor.open("qemu:///system");
        GuestDomain domain = hypervisor.attach(arguments[0])) {
      long start = System.nanoTime();
      RunningKernel kernel = RunningKernel.attach(domain, Path.of(arguments[1]));
      long found = System.nanoTime();
      int tasks = kernel.tasks().all().size();
      long read = System.nanoTime();
      System.out.printf(
          "attach=%d tasks=%d of %d%n", (found - start) / 1000, (read - found) / 1000, tasks);
    }
  }
}
