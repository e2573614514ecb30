package org.lucos.tests.kernel;

import java.nio.file.Path;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/** A guest with its kernel found, seen from both sides. */
record AttachedGuest(
    TestGuest guest, Hypervisor hypervisor, GuestDomain domain, RunningKernel kernel)
    implements AutoCloseable {

  static AttachedGuest boot(GuestSpec spec, Path cache) {
    TestGuest guest = TestGuest.boot(spec);
    Hypervisor hypervisor = Hypervisor.open("qemu:///system");
    GuestDomain domain = hypervisor.attach(guest.name());
    return new AttachedGuest(guest, hypervisor, domain, RunningKernel.attach(domain, cache));
  }

  @Override
  public void close() {
    domain.close();
    hypervisor.close();
    guest.close();
  }
}
