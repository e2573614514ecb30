package org.lucos.bridge.jna;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.libvirt.Connect;
import org.libvirt.ErrorCallback;
import org.libvirt.LibvirtException;
import org.libvirt.jna.virError;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A libvirt connection with the calls that libvirt-java lacks. */
public final class LibvirtConnection extends Connect {
  private static final Logger LOG = LoggerFactory.getLogger(LibvirtConnection.class);

  /** Kept for good: libvirt calls it from native code. */
  private static final ErrorCallback QUIET = new LoggingErrorCallback();

  private final Calls calls = Native.load("virt", Calls.class);

  /** Connects; libvirt's own error output goes to the debug log. */
  public LibvirtConnection(String uri) throws LibvirtException {
    super(quietly(uri));
  }

  /**
   * A domain's state.
   *
   * @param state {@code virDomainState} of libvirt-domain.h
   * @param reason the {@code virDomain...Reason} that belongs to it
   */
  public record State(int state, int reason) {}

  /**
   * What libvirt says of the domain with this UUID, without asking the hypervisor; empty if there
   * is none.
   */
  public Optional<State> state(String uuid) {
    Pointer domain = calls.virDomainLookupByUUIDString(vcp.getPointer(), uuid);
    if (domain == null) {
      return Optional.empty();
    }
    try {
      IntByReference state = new IntByReference();
      IntByReference reason = new IntByReference();
      return calls.virDomainGetState(domain, state, reason, 0) < 0
          ? Optional.empty()
          : Optional.of(new State(state.getValue(), reason.getValue()));
    } finally {
      calls.virDomainFree(domain);
    }
  }

  private static String quietly(String uri) throws LibvirtException {
    Connect.setErrorCallback(QUIET);
    return uri;
  }

  /** Functions of libvirt, as its headers declare them. */
  private interface Calls extends Library {
    @Nullable Pointer virDomainLookupByUUIDString(Pointer connection, String uuid);

    int virDomainGetState(Pointer domain, IntByReference state, IntByReference reason, int flags);

    int virDomainFree(Pointer domain);
  }

  private static final class LoggingErrorCallback extends ErrorCallback {
    @Override
    public void errorCallback(Pointer userData, virError error) {
      LOG.debug("libvirt: {}", error.message);
    }
  }
}
