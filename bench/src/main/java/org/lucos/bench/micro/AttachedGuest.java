package org.lucos.bench.micro;

import java.nio.file.Path;
import java.util.List;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The guest that benchmarks read. Its name is a parameter, so that it can be found from a fork. */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH sets the parameters and calls the setup
public class AttachedGuest {
  /** Which hypervisor. */
  @Param("")
  public String connection;

  /** The domain's name. */
  @Param("")
  public String guest;

  /** Where attaching keeps what it has found. */
  @Param("")
  public String cache;

  private Hypervisor hypervisor;
  private GuestDomain domain;
  private RunningKernel kernel;

  /** Attaches. */
  @Setup
  public void attach() {
    hypervisor = Hypervisor.open(connection);
    domain = hypervisor.attach(guest);
    kernel = RunningKernel.attach(domain, Path.of(cache));
  }

  GuestDomain domain() {
    return domain;
  }

  RunningKernel kernel() {
    return kernel;
  }

  /** Threads of the kernel that sleep and never end: their stacks stay where they are. */
  List<Task> kernelThreads() {
    return kernel.tasks().all().stream()
        .filter(task -> task.mm().isNull() && !task.isIdle() && !task.onCpu())
        .filter(task -> !task.stack().isNull() && !task.comm().startsWith("kworker"))
        .toList();
  }

  /** Lets it go. */
  @TearDown
  public void detach() {
    Hypervisor open = hypervisor;
    try (open) {
      domain.close();
    }
  }
}
