package org.lucos.bridge.xen;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.jna.NativeCallException;
import org.lucos.bridge.jna.XenAccess;
import org.lucos.bridge.jna.XenInterface;
import org.lucos.bridge.memory.MemoryFaultException;

/**
 * The Xen of this host, asked without libvirt: so domains are seen whoever has made them. Not
 * thread-safe.
 */
public final class XenHost implements GuestHost {
  /** Where locks and undo records are: gone with the host's run, as the domains are. */
  private static final Path GUARDS = Path.of("/run/lucos/xen");

  private static final int EACCES = 13;

  /** {@code __HYPERVISOR_memory_op} and {@code XENMEM_maximum_gpfn} of {@code public/memory.h}. */
  private static final int MEMORY_OP = 12;

  private static final int MAXIMUM_GPFN = 14;

  /** {@code __HYPERVISOR_xen_version} with {@code XENVER_version} and {@code _extraversion}. */
  private static final int XEN_VERSION = 17;

  private static final int VERSION = 0;
  private static final int EXTRA_VERSION = 1;
  private static final int EXTRA_VERSION_BYTES = 16;

  private final XenAccess xen;
  private final DomainControlCall control;
  private final Duration silenceLimit;

  private XenHost(XenAccess xen, DomainControlCall control, Duration silenceLimit) {
    this.xen = xen;
    this.control = control;
    this.silenceLimit = silenceLimit;
  }

  /**
   * Connects to the hypervisor under this host.
   *
   * @param silenceLimit how long a guest may be held stopped between two signs of life of this
   *     process before the watchdog takes over
   * @throws DomainRefusedException if there is none, or access is denied
   */
  public static XenHost open(Duration silenceLimit) {
    XenAccess xen = access();
    try {
      return new XenHost(xen, DomainControlCall.of(xen), silenceLimit);
    } catch (NativeCallException | DomainControlCall.UnknownVersionException e) {
      xen.close();
      throw refused("managing Xen's domains", e);
    }
  }

  private static XenAccess access() {
    try {
      return XenInterface.open();
    } catch (LinkageError e) {
      throw new DomainRefusedException(
          new DomainRefusal.HypervisorFailure(
              "loading Xen's libraries", "libxencall, libxenforeignmemory and libxendevicemodel"),
          e);
    } catch (NativeCallException e) {
      throw refused("connecting to Xen", e);
    }
  }

  private static DomainRefusedException refused(String what, RuntimeException cause) {
    boolean denied =
        cause instanceof NativeCallException call
            && (call.errno() == NativeCallException.EPERM || call.errno() == EACCES);
    String detail = String.valueOf(cause.getMessage());
    return new DomainRefusedException(
        denied
            ? new DomainRefusal.NoPermission(what, detail)
            : new DomainRefusal.HypervisorFailure(what, detail),
        cause);
  }

  @Override
  public List<DomainIdentity> running() {
    return all().stream().map(this::identity).toList();
  }

  /** All domains but this one; those that end are not there any more. */
  private List<DomainInfo> all() {
    try {
      List<DomainInfo> domains = new ArrayList<>();
      Optional<DomainInfo> next = control.infoFrom(1);
      while (next.isPresent()) {
        if (next.get().state() != DomainState.SHUT_OFF) {
          domains.add(next.get());
        }
        next = control.infoFrom(next.get().id() + 1);
      }
      return domains;
    } catch (NativeCallException e) {
      throw refused("listing Xen's domains", e);
    }
  }

  /** A domain has the name that XenStore has for it; without one it is called by its number. */
  private DomainIdentity identity(DomainInfo info) {
    String otherwise = "domain-" + info.id();
    try (XenStore store = XenStore.open()) {
      String name = store.read("/local/domain/" + info.id() + "/name").orElse(otherwise);
      return new DomainIdentity(name, info.uuid(), info.id());
    } catch (IOException e) {
      throw new DomainRefusedException(
          new DomainRefusal.HypervisorFailure(
              "reading the names of domains", String.valueOf(e.getMessage())),
          e);
    }
  }

  @Override
  public GuestDomain attach(String nameUuidOrId) {
    List<DomainInfo> domains = all();
    List<DomainIdentity> identities = domains.stream().map(this::identity).toList();
    int found =
        first(identities, identity -> identity.name().equals(nameUuidOrId))
            .or(
                () ->
                    first(
                        identities,
                        identity ->
                            identity
                                .uuid()
                                .toString()
                                .equals(nameUuidOrId.toLowerCase(Locale.ROOT))))
            .or(
                () ->
                    first(
                        identities,
                        identity -> Integer.toString(identity.id()).equals(nameUuidOrId)))
            .orElseThrow(
                () -> new DomainRefusedException(new DomainRefusal.NotFound(nameUuidOrId)));
    return attach(domains.get(found), identities.get(found));
  }

  private static Optional<Integer> first(
      List<DomainIdentity> identities, Predicate<DomainIdentity> wanted) {
    for (int i = 0; i < identities.size(); i++) {
      if (wanted.test(identities.get(i))) {
        return Optional.of(i);
      }
    }
    return Optional.empty();
  }

  private GuestDomain attach(DomainInfo info, DomainIdentity identity) {
    if (info.suspended()) {
      throw new DomainRefusedException(
          new DomainRefusal.Migrating(identity.name(), "it has suspended itself"));
    }
    if (info.state() != DomainState.RUNNING && info.state() != DomainState.PAUSED) {
      throw new DomainRefusedException(new DomainRefusal.NotRunning(identity.name(), info.state()));
    }
    XenDomain domain = new XenDomain(control, identity);
    try {
      XenMemory memory = info.translated() ? translated(info) : paravirtual(info);
      if (memory.regions().isEmpty()) {
        throw noRam("Xen tells of none");
      }
      Path path = GUARDS.resolve(identity.uuid().toString());
      return new XenGuestDomain(
          domain,
          info,
          version(),
          memory,
          xen.markWritten(info.id(), memory.regions().get(0).start().value() / XenAccess.PAGE),
          new XenGuestDomain.Guard(
              path, XenWatchdogMain.command(identity, path, silenceLimit), silenceLimit));
    } catch (NativeCallException e) {
      throw domain.refusal("looking at domain '" + identity.name() + "'", e);
    }
  }

  private static DomainRefusedException noRam(String detail) {
    return new DomainRefusedException(
        new DomainRefusal.HypervisorFailure("locating guest RAM", detail));
  }

  private XenMemory translated(DomainInfo info) {
    return new XenMemory(
        xen,
        info.id(),
        XenRam.regions(
            frames -> control.areRam(info.id(), frames),
            lastFrame(info.id()),
            DomainControlCall.MOST_FRAMES),
        System::nanoTime);
  }

  /** By machine address, as in the guest's page tables. */
  private XenMemory paravirtual(DomainInfo info) {
    PseudoPhysicalMap map =
        new PseudoPhysicalMap(
            () -> PseudoPhysicalMap.everything(xen, info.id()), info.sharedInfo());
    try {
      return new XenMemory(
          xen,
          info.id(),
          XenRam.regions(
              frames -> control.areRam(info.id(), frames),
              map.frames(info.pages()),
              DomainControlCall.MOST_FRAMES),
          map::machineAddress,
          System::nanoTime);
    } catch (MemoryFaultException | AddressOutOfRangeException e) {
      throw noRam(String.valueOf(e.getMessage()));
    }
  }

  private long lastFrame(int id) {
    xen.arguments().putLong(0, id);
    return xen.call("memory_op maximum_gpfn", MEMORY_OP, MAXIMUM_GPFN, Long.BYTES);
  }

  private String version() {
    int version = xen.call("xen_version", XEN_VERSION, VERSION, Long.BYTES);
    xen.call("xen_version extraversion", XEN_VERSION, EXTRA_VERSION, EXTRA_VERSION_BYTES);
    StringBuilder text = new StringBuilder("Xen " + (version >>> 16) + "." + (version & 0xffff));
    for (int at = 0; at < EXTRA_VERSION_BYTES && xen.arguments().get(at) > ' '; at++) {
      text.append((char) xen.arguments().get(at));
    }
    return text.toString();
  }

  @Override
  public void close() {
    xen.close();
  }
}
