package org.lucos.bridge.libvirt;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.libvirt.Domain;
import org.libvirt.LibvirtException;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.qemu.DomainControl;

/** A QEMU domain as libvirt manages it. */
final class LibvirtControl implements DomainControl {
  /** {@code VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP}. */
  private static final int HMP_FLAG = 1;

  /** {@code VIR_DOMAIN_JOB_BOUNDED} and {@code VIR_DOMAIN_JOB_UNBOUNDED}: a job goes on. */
  private static final int BOUNDED = 1;

  private static final int UNBOUNDED = 2;

  private final DomainIdentity identity;
  private final Domain domain;

  LibvirtControl(DomainIdentity identity, Domain domain) {
    this.identity = identity;
    this.domain = domain;
  }

  @Override
  public DomainIdentity identity() {
    return identity;
  }

  @Override
  public String monitor(String command, Language language) {
    try {
      return String.valueOf(
          domain.qemuMonitorCommand(command, language == Language.HMP ? HMP_FLAG : 0));
    } catch (LibvirtException e) {
      throw LibvirtFailures.ofDomain(identity.name(), "monitor command '" + command + "'", e);
    }
  }

  @Override
  public Optional<String> activeJob() {
    try {
      int type = domain.getJobInfo().getType();
      return type == BOUNDED || type == UNBOUNDED
          ? Optional.of("a job of libvirt's is active")
          : Optional.empty();
    } catch (LibvirtException e) {
      throw LibvirtFailures.ofDomain(identity.name(), "asking for the domain's job", e);
    }
  }

  @Override
  public void cancelJob() {
    try {
      domain.abortJob();
    } catch (LibvirtException e) {
      throw LibvirtFailures.ofDomain(identity.name(), "cancelling the domain's job", e);
    }
  }

  @Override
  public Optional<Path> channelSocket(String name) {
    try {
      return DomainXml.channelSocket(domain.getXMLDesc(0), name);
    } catch (LibvirtException e) {
      throw LibvirtFailures.ofDomain(identity.name(), "reading the domain's description", e);
    }
  }

  @Override
  public String guestAgent(String command, Duration limit) {
    try {
      return String.valueOf(domain.qemuAgentCommand(command, (int) limit.toSeconds(), 0));
    } catch (LibvirtException e) {
      throw LibvirtFailures.general("asking qemu-guest-agent", e);
    }
  }

  @Override
  public void close() {
    try {
      domain.free();
    } catch (LibvirtException e) {
      throw LibvirtFailures.ofDomain(identity.name(), "letting go of the domain", e);
    }
  }
}
