package org.lucos.bridge.host;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.bridge.xen.XenHost;

/** Opens connections to hypervisors. */
public final class GuestHosts {
  /** How long a guest may be held without a sign of life of its controller. */
  public static final Duration DEFAULT_SILENCE_LIMIT = Duration.ofSeconds(10);

  /** As libvirt writes it; what follows does not matter, since there is one Xen a host. */
  private static final String XEN = "xen:";

  private GuestHosts() {}

  /**
   * Connects to a hypervisor.
   *
   * @param uri {@code xen:///system} or just {@code xen:} for the Xen of this host, which is asked
   *     without libvirt; anything else is a connection URI of libvirt's, such as {@code
   *     qemu:///system}
   * @throws DomainRefusedException if it cannot be reached or denies access
   */
  public static GuestHost open(String uri) {
    return open(uri, DEFAULT_SILENCE_LIMIT);
  }

  /**
   * As {@link #open(String)}.
   *
   * @param silenceLimit how long a guest may be held stopped between two signs of life of this
   *     process before the watchdog takes over
   */
  public static GuestHost open(String uri, Duration silenceLimit) {
    return isXen(uri) ? XenHost.open(silenceLimit) : Hypervisor.open(uri, silenceLimit);
  }

  /** What a host needs for such a connection, in one sentence. */
  public static String needs(String uri) {
    return isXen(uri)
        ? "run as root in dom0, with libxencall1, libxenforeignmemory1 and libxendevicemodel1"
        : "install libvirt-daemon-system and start libvirtd; run as root or in group libvirt";
  }

  /**
   * Those privileges that such a connection needs and this process does not have. A dom0 lets root
   * do anything and others nothing, which shows when the connection is opened.
   *
   * @throws IOException if this host does not tell
   */
  public static List<Privilege> missingPrivileges(String uri) throws IOException {
    return isXen(uri) ? List.of() : Privilege.missing();
  }

  private static boolean isXen(String uri) {
    return uri.startsWith(XEN);
  }
}
