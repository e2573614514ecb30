package org.lucos.tests.guest;

import java.time.Duration;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.libvirt.Hypervisor;

/** QEMU through libvirt, with KVM or TCG as {@code vm-images/boot.sh} finds or is told. */
final class QemuPlace implements Place {
  static final String NAME = "qemu";

  @Override
  public String connection() {
    return Virsh.URI;
  }

  @Override
  public GuestHost open(Duration silenceLimit) {
    return Hypervisor.open(connection(), silenceLimit);
  }

  @Override
  public Duration shortSilence() {
    return Duration.ofSeconds(Prepared.isAllThereIs() ? 15 : 2); // an emulated host is slow
  }

  @Override
  public GuestHost open() {
    return Hypervisor.open(connection());
  }

  @Override
  public BootedDomain start(GuestSpec spec) {
    return TestDomain.start(spec);
  }

  @Override
  public Outside outside(String guest) {
    return new QemuOutside(guest);
  }

  @Override
  public String hypervisor() {
    return "QEMU ";
  }

  @Override
  public String accelerator() {
    return System.getenv().getOrDefault("LUCOS_ACCEL", "");
  }

  private record QemuOutside(String guest) implements Outside {
    @Override
    public boolean running() {
      return Virsh.running(guest);
    }

    @Override
    public void suspend() {
      Virsh.run("suspend", guest);
    }

    @Override
    public void resume() {
      Virsh.run("resume", guest);
    }

    @Override
    public void end() {
      Virsh.run("destroy", guest);
    }

    @Override
    public boolean controlled() {
      return Virsh.debugPortOpen(guest);
    }
  }
}
