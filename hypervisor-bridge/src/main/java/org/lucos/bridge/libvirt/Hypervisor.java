package org.lucos.bridge.libvirt;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.libvirt.Domain;
import org.libvirt.LibvirtException;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.jna.LibvirtConnection;
import org.lucos.bridge.jna.ProcessMemory;
import org.lucos.bridge.qemu.DomainControl;
import org.lucos.bridge.qemu.QemuGuestDomain;
import org.lucos.bridge.qemu.QemuHost;

/** The hypervisor of this host, through libvirt. Not thread-safe. */
public final class Hypervisor implements GuestHost {
  /** How long a guest may be held without a sign of life of its controller. */
  public static final Duration DEFAULT_SILENCE_LIMIT = Duration.ofSeconds(10);

  private static final Path PROC = Path.of("/proc");
  private static final Path PID_FILES = Path.of("/run/libvirt/qemu");

  private final String uri;
  private final LibvirtConnection connection;
  private final Duration silenceLimit;

  private Hypervisor(String uri, LibvirtConnection connection, Duration silenceLimit) {
    this.uri = uri;
    this.connection = connection;
    this.silenceLimit = silenceLimit;
  }

  /**
   * Connects to libvirt.
   *
   * @param uri such as {@code qemu:///system}
   * @throws DomainRefusedException if libvirt cannot be reached or denies access
   */
  public static Hypervisor open(String uri) {
    return open(uri, DEFAULT_SILENCE_LIMIT);
  }

  /**
   * As {@link #open(String)}.
   *
   * @param silenceLimit how long a guest may be held stopped between two signs of life of this
   *     process before the watchdog takes over
   */
  public static Hypervisor open(String uri, Duration silenceLimit) {
    Thread loader = new Thread(ProcessMemory::load, "load-process-memory");
    loader.setDaemon(true);
    loader.start();
    try {
      return new Hypervisor(uri, new LibvirtConnection(uri), silenceLimit);
    } catch (LibvirtException e) {
      throw LibvirtFailures.general("connecting to " + uri, e);
    }
  }

  @Override
  public List<DomainIdentity> running() {
    try {
      int[] ids = connection.listDomains();
      Arrays.sort(ids);
      List<DomainIdentity> domains = new ArrayList<>();
      for (int id : ids) {
        Optional<Domain> domain = optional(() -> connection.domainLookupByID(id));
        if (domain.isPresent()) { // else it ended meanwhile
          domains.add(identity(domain.get()));
          domain.get().free();
        }
      }
      return List.copyOf(domains);
    } catch (LibvirtException e) {
      throw LibvirtFailures.general("listing the domains", e);
    }
  }

  @Override
  public GuestDomain attach(String nameUuidOrId) {
    return attach(nameUuidOrId, UnaryOperator.identity());
  }

  /**
   * As {@link #attach(String)}.
   *
   * @param around is given what the domain is controlled through, and returns what to use for it
   */
  public GuestDomain attach(String nameUuidOrId, UnaryOperator<DomainControl> around) {
    DomainControl control = around.apply(control(nameUuidOrId));
    return QemuGuestDomain.attach(
        new QemuHost(PROC, PID_FILES, new WatchdogLaunch(uri, silenceLimit)), control);
  }

  /** Finds a domain of QEMU's that is active. */
  DomainControl control(String nameUuidOrId) {
    try {
      Domain domain =
          find(nameUuidOrId)
              .orElseThrow(
                  () -> new DomainRefusedException(new DomainRefusal.NotFound(nameUuidOrId)));
      try {
        requireFit(domain);
        return new LibvirtControl(identity(domain), domain);
      } catch (LibvirtException | RuntimeException e) {
        domain.free();
        throw e;
      }
    } catch (LibvirtException e) {
      throw LibvirtFailures.ofDomain(nameUuidOrId, "looking up domain '" + nameUuidOrId + "'", e);
    }
  }

  private Optional<Domain> find(String nameUuidOrId) throws LibvirtException {
    Optional<Domain> found = optional(() -> connection.domainLookupByName(nameUuidOrId));
    if (found.isEmpty()
        && nameUuidOrId.matches("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")) {
      found = optional(() -> connection.domainLookupByUUID(UUID.fromString(nameUuidOrId)));
    }
    if (found.isEmpty() && nameUuidOrId.matches("[0-9]{1,9}")) {
      found = optional(() -> connection.domainLookupByID(Integer.parseInt(nameUuidOrId)));
    }
    return found;
  }

  private void requireFit(Domain domain) throws LibvirtException {
    String name = domain.getName();
    DomainXml xml =
        DomainXml.parse(domain.getXMLDesc(0))
            .orElseThrow(
                () ->
                    new DomainRefusedException(
                        new DomainRefusal.HypervisorFailure(
                            "reading the description of '" + name + "'", "it is no domain XML")));
    xml.refusal(name).ifPresent(Hypervisor::refuse);
    LibvirtState.refusal(name, connection.state(domain.getUUIDString()))
        .ifPresent(Hypervisor::refuse);
  }

  private static void refuse(DomainRefusal refusal) {
    throw new DomainRefusedException(refusal);
  }

  private static DomainIdentity identity(Domain domain) throws LibvirtException {
    return new DomainIdentity(
        domain.getName(), UUID.fromString(domain.getUUIDString()), domain.getID());
  }

  @FunctionalInterface
  private interface Lookup {
    Domain run() throws LibvirtException;
  }

  private static Optional<Domain> optional(Lookup lookup) throws LibvirtException {
    try {
      return Optional.ofNullable(lookup.run());
    } catch (LibvirtException e) {
      if (LibvirtFailures.isNotFound(e)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (LibvirtException e) {
      throw LibvirtFailures.general("closing the connection to " + uri, e);
    }
  }
}
