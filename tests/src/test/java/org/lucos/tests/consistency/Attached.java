package org.lucos.tests.consistency;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.tests.guest.TestGuest;

/** A guest with its kernel found and a checker for it. */
final class Attached implements AutoCloseable {
  private final Hypervisor hypervisor;
  private final GuestDomain domain;
  private final RunningKernel kernel;
  private final StackChecker checker;

  private Attached(Hypervisor hypervisor, GuestDomain domain, RunningKernel kernel) {
    this.hypervisor = hypervisor;
    this.domain = domain;
    this.kernel = kernel;
    this.checker = new StackChecker(kernel);
  }

  static Attached to(TestGuest guest) {
    try {
      Path cache = Files.createDirectories(Path.of("target", "kernel-cache"));
      Hypervisor hypervisor = Hypervisor.open("qemu:///system");
      GuestDomain domain = hypervisor.attach(guest.name());
      return new Attached(hypervisor, domain, RunningKernel.attach(domain, cache));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  RunningKernel kernel() {
    return kernel;
  }

  StackChecker checker() {
    return checker;
  }

  GuestDomain domain() {
    return domain;
  }

  /** The text of a function, cold parts included, by its name. */
  List<NamedRange> function(String name) {
    return kernel.symbols().all(name).stream()
        .filter(KernelSymbol::isText)
        .map(symbol -> new NamedRange(name, kernel.symbols().range(symbol)))
        .toList();
  }

  /** Checks in a pause of its own. */
  StackReport check(Collection<NamedRange> ranges) {
    PreparedCheck prepared = checker.prepare(ranges);
    try (PausedGuest paused = domain.pause("test")) {
      return prepared.check(paused.registers());
    }
  }

  /** Checks until the outcome is certain: what is unreliable passes. */
  StackReport checkReliably(Collection<NamedRange> ranges) {
    PreparedCheck prepared = checker.prepare(ranges);
    StackReport report = attempt(prepared);
    for (int i = 0; i < 50 && report.findings().size() != report.inUse().size(); i++) {
      report = attempt(prepared);
    }
    return report;
  }

  private StackReport attempt(PreparedCheck prepared) {
    try (PausedGuest paused = domain.pause("test")) {
      return prepared.check(paused.registers());
    }
  }

  /**
   * Whether an address is of the scheduler's own functions, which the kernel's traces leave out.
   */
  boolean isScheduler(GuestVirtualAddress address) {
    long from = kernel.symbols().address("__sched_text_start").value();
    long to = kernel.symbols().address("__sched_text_end").value();
    return address.value() >= from && address.value() < to;
  }

  @Override
  public void close() {
    domain.close();
    hypervisor.close();
  }
}
