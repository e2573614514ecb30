package org.lucos.bridge.xen;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.jna.NativeCallException;
import org.lucos.bridge.vcpu.VcpuRegisters;

/**
 * One run of a domain, and none other that may get its number later.
 *
 * @param control asks the hypervisor
 */
record XenDomain(DomainControlCall control, DomainIdentity identity) {

  /** What Xen says of it now; empty if it has ended. */
  Optional<DomainInfo> current() {
    return control
        .info(identity.id())
        .filter(info -> info.uuid().equals(identity.uuid()))
        .filter(info -> info.state() != DomainState.SHUT_OFF);
  }

  DomainState state() {
    return current().map(DomainInfo::state).orElse(DomainState.SHUT_OFF);
  }

  /**
   * The registers of its online vCPUs; it must be paused.
   *
   * @throws DomainRefusedException if Xen does not tell them
   */
  List<VcpuRegisters> registers() {
    try {
      List<VcpuRegisters> registers = new ArrayList<>();
      Optional<DomainInfo> info = current();
      for (int vcpu = 0; vcpu <= info.map(DomainInfo::lastVcpu).orElse(-1); vcpu++) {
        control
            .registers(identity.id(), vcpu, info.orElseThrow().translated())
            .ifPresent(registers::add);
      }
      return List.copyOf(registers);
    } catch (NativeCallException e) {
      throw refusal("reading the registers of domain '" + identity.name() + "'", e);
    }
  }

  /** What a failure in dealing with it means. */
  DomainRefusedException refusal(String what, Exception cause) {
    DomainState state = state();
    DomainRefusal reason =
        state == DomainState.SHUT_OFF
            ? new DomainRefusal.NotRunning(identity.name(), state)
            : new DomainRefusal.HypervisorFailure(what, String.valueOf(cause.getMessage()));
    return new DomainRefusedException(reason, cause);
  }
}
