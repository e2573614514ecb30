package org.lucos.patcher.app;

import java.util.Optional;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * What has become of a guest while it was worked on. One that is reset, crashes, is powered off or
 * migrated away in the midst of an operation makes it fail in a hundred ways; the operator is told
 * the one that matters.
 */
final class GuestFate {
  private GuestFate() {}

  /** What to throw for a failure: itself, unless the guest's fate tells why it happened. */
  static RuntimeException explain(RunningKernel kernel, RuntimeException failure) {
    if (isOfGuest(failure)) {
      return failure;
    }
    return of(kernel, failure)
        .<RuntimeException>map(fate -> new RefusedException(fate, failure))
        .orElse(failure);
  }

  /** Whether a failure means that nothing can be done in the guest now, or that it is no more. */
  static boolean isOutOfReach(RuntimeException failure) {
    Optional<Refusal> refusal = Failures.refusal(failure);
    if (refusal.isEmpty() || refusal.get() instanceof GuestRefusal.GuestRebooted) {
      return refusal.isPresent();
    }
    return refusal.get() instanceof GuestRefusal.DomainUnavailable unavailable
        && (unavailable.reason() instanceof DomainRefusal.NotRunning
            || unavailable.reason() instanceof DomainRefusal.Migrating
            || unavailable.reason() instanceof DomainRefusal.LeftHost);
  }

  /** Whether it tells by itself; one of the hypervisor's may be because the guest has ended. */
  private static boolean isOfGuest(RuntimeException failure) {
    if (failure instanceof DomainRefusedException refused) {
      return !(refused.refusal() instanceof DomainRefusal.HypervisorFailure);
    }
    return failure instanceof RefusedException refused
        && refused.refusal() instanceof GuestRefusal.GuestRebooted;
  }

  /**
   * Why the guest cannot be worked on any longer; empty if it runs on in the boot it was in, or if
   * that cannot be told.
   */
  private static Optional<Refusal> of(RunningKernel kernel, RuntimeException failure) {
    GuestDomain domain = kernel.domain();
    try {
      DomainState state = domain.state();
      if (state != DomainState.RUNNING) {
        return Optional.of(unavailable(new DomainRefusal.NotRunning(name(domain), state)));
      }
      return kernel
          .boot()
          .whyGone()
          .map(detail -> new GuestRefusal.GuestRebooted(name(domain), detail));
    } catch (DomainRefusedException e) {
      failure.addSuppressed(e);
      boolean vague = e.refusal() instanceof DomainRefusal.HypervisorFailure;
      return vague && Failures.refusal(failure).isPresent()
          ? Optional.empty()
          : Optional.of(unavailable(e.refusal()));
    } catch (MemoryFaultException e) {
      if (e != failure) {
        failure.addSuppressed(e);
      }
      return Optional.empty();
    }
  }

  private static Refusal unavailable(DomainRefusal reason) {
    return new GuestRefusal.DomainUnavailable(reason);
  }

  private static String name(GuestDomain domain) {
    return domain.identity().name();
  }
}
