package org.lucos.bridge.libvirt;

import org.libvirt.Error.ErrorNumber;
import org.libvirt.LibvirtException;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;

/** What libvirt's errors mean. */
final class LibvirtFailures {
  private LibvirtFailures() {}

  /** Something went wrong that concerns no single domain. */
  static DomainRefusedException general(String what, LibvirtException e) {
    String message = message(e);
    DomainRefusal refusal =
        switch (code(e)) {
          case VIR_ERR_AUTH_FAILED,
              VIR_ERR_AUTH_CANCELLED,
              VIR_ERR_AUTH_UNAVAILABLE,
              VIR_ERR_OPERATION_DENIED,
              VIR_ERR_ACCESS_DENIED ->
              new DomainRefusal.NoPermission(what, message);
          default ->
              message.contains("Permission denied")
                  ? new DomainRefusal.NoPermission(what, message)
                  : new DomainRefusal.HypervisorFailure(what, message);
        };
    return new DomainRefusedException(refusal, e);
  }

  /** Something went wrong with a domain that had been found. */
  static DomainRefusedException ofDomain(String name, String what, LibvirtException e) {
    return switch (code(e)) {
      case VIR_ERR_NO_DOMAIN ->
          new DomainRefusedException(new DomainRefusal.NotRunning(name, DomainState.SHUT_OFF), e);
      // The domain's lock is only kept that long by migration, save, dump and the like.
      case VIR_ERR_OPERATION_TIMEOUT ->
          new DomainRefusedException(new DomainRefusal.Migrating(name, message(e)), e);
      case VIR_ERR_OPERATION_INVALID ->
          message(e).contains("not running")
              ? new DomainRefusedException(
                  new DomainRefusal.NotRunning(name, DomainState.SHUT_OFF), e)
              : general(what, e);
      default -> general(what, e);
    };
  }

  static boolean isNotFound(LibvirtException e) {
    return code(e) == ErrorNumber.VIR_ERR_NO_DOMAIN;
  }

  private static ErrorNumber code(LibvirtException e) {
    ErrorNumber code = e.getError() == null ? null : e.getError().getCode();
    return code == null ? ErrorNumber.VIR_ERR_INTERNAL_ERROR : code;
  }

  private static String message(LibvirtException e) {
    return String.valueOf(e.getMessage()).strip();
  }
}
