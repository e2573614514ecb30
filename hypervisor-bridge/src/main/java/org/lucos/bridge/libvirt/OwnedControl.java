package org.lucos.bridge.libvirt;

import java.util.Optional;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.qemu.DomainControl;

/** A domain with a libvirt connection of its own, closed together. */
final class OwnedControl implements DomainControl {
  private final Hypervisor hypervisor;
  private final DomainControl control;

  OwnedControl(String uri, String domain) {
    this.hypervisor = Hypervisor.open(uri);
    try {
      this.control = hypervisor.control(domain);
    } catch (RuntimeException e) {
      hypervisor.close();
      throw e;
    }
  }

  @Override
  public DomainIdentity identity() {
    return control.identity();
  }

  @Override
  public String monitor(String command, Language language) {
    return control.monitor(command, language);
  }

  @Override
  public Optional<String> activeJob() {
    return control.activeJob();
  }

  @Override
  public void cancelJob() {
    control.cancelJob();
  }

  @Override
  public void close() {
    try (hypervisor) {
      control.close();
    }
  }
}
