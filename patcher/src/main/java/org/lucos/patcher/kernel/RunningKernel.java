package org.lucos.patcher.kernel;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.mmu.VirtualMemory;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * The Linux kernel that runs in a guest, read from outside with nothing but the guest's memory.
 * Symbols and types are read once; modules, tasks and CPUs are read afresh on every call.
 */
public final class RunningKernel {
  private final GuestDomain domain;
  private final KernelFinder.Found found;
  private final PerCpu perCpu;
  private final ModuleReader modules;
  private final TaskWalker tasks;
  private final BootIdentity boot;

  private RunningKernel(GuestDomain domain, KernelFinder.Found found) {
    this.domain = domain;
    this.found = found;
    this.perCpu = new PerCpu(found.memory(), found.symbols(), found.types());
    this.modules = new ModuleReader(found.memory(), found.symbols(), found.types());
    this.tasks = new TaskWalker(found.memory(), found.symbols(), found.types(), perCpu);
    this.boot = new BootIdentity(this, found.fingerprint(), found.identity().boot());
  }

  /**
   * Finds the kernel of a guest and checks that it is one that runs.
   *
   * @param cacheDirectory where what was found is kept for the next time; made if it is missing. It
   *     holds one kernel a guest, 8 to 12 MB, and must not be writable for others
   * @throws RefusedException with {@link GuestRefusal.KernelNotFound} if there is none, it is still
   *     booting, or it describes itself in a way that is not understood
   */
  public static RunningKernel attach(GuestDomain domain, Path cacheDirectory) {
    KernelCache cache = new KernelCache(cacheDirectory, domain.identity().uuid());
    KernelFinder finder = new KernelFinder(domain.memory(), cache);
    return finder
        .find()
        .map(found -> new RunningKernel(domain, found))
        .orElseThrow(
            () ->
                new RefusedException(
                    new GuestRefusal.KernelNotFound(domain.identity().name(), finder.whyNot())));
  }

  /** The guest. */
  public GuestDomain domain() {
    return domain;
  }

  /** Which kernel it is, and which of its boots. */
  public KernelIdentity identity() {
    return found.identity();
  }

  /** The boot in which it was attached, and whether it still is in it. */
  public BootIdentity boot() {
    return boot;
  }

  /** Its memory as it addresses it. */
  public VirtualMemory memory() {
    return found.memory();
  }

  /** What it says about itself for crash tools. */
  public VmcoreInfo vmcoreInfo() {
    return found.info();
  }

  /** The symbols of vmlinux. */
  public SymbolTable symbols() {
    return found.symbols();
  }

  /** The types of vmlinux. */
  public BtfTypes types() {
    return found.types();
  }

  /** The code of vmlinux from {@code _stext} to {@code _etext}. */
  public AddressRange text() {
    return AddressRange.between(symbols().address("_stext"), symbols().address("_etext"));
  }

  /** The modules loaded now, the last loaded first. */
  public List<LoadedModule> modules() {
    return modules.all();
  }

  /** The module of this name, if it is loaded now. */
  public Optional<LoadedModule> module(String name) {
    return modules().stream().filter(module -> module.name().equals(name)).findFirst();
  }

  /** The symbols that a module exports to others. */
  public List<KernelSymbol> exports(LoadedModule module) {
    return new ModuleExports(memory(), types()).of(module);
  }

  /** The types of a module on top of those of vmlinux, if it came with type information. */
  public Optional<BtfTypes> types(LoadedModule module) {
    return new ModuleTypes(memory(), symbols(), types()).of(module);
  }

  /** Places in code that tables of vmlinux and of the modules loaded now refer to. */
  public StaticSites staticSites() {
    return StaticSites.read(memory(), symbols(), types(), modules());
  }

  /** The kprobes. */
  public Kprobes kprobes() {
    return new Kprobes(memory(), symbols(), types());
  }

  /** The livepatches that it has put in by itself. */
  public Livepatches livepatches() {
    return new Livepatches(memory(), symbols(), types());
  }

  /** Whether it takes modules that are not signed. */
  public LoaderPolicy loaderPolicy() {
    return new LoaderPolicy(memory(), symbols(), types());
  }

  /** What it wants of a module image. */
  public ModuleAbi moduleAbi() {
    return new ModuleAbi(memory(), symbols(), types(), identity().release());
  }

  /** The messages of its log. */
  public PrintkRing log() {
    return new PrintkRing(memory(), symbols(), types());
  }

  /** What it says of its own health right now. */
  public KernelCondition condition() {
    return new ConditionReader(memory(), symbols(), types()).read();
  }

  /** What its scheduler knows. */
  public Scheduler scheduler() {
    return new Scheduler(memory(), symbols(), types(), perCpu);
  }

  /** The tasks. */
  public TaskWalker tasks() {
    return tasks;
  }

  /** The CPUs. */
  public PerCpu perCpu() {
    return perCpu;
  }

  /**
   * Whether this is the kernel that these vCPUs run: the GS base of at least one (either of the
   * two: kernel entry swaps them) is the per-CPU area of one of its CPUs. After a hard reset a
   * kernel's memory may look alive until it is used again; its per-CPU areas are no longer any
   * vCPU's. {@link BootIdentity} asks this in a pause, before writing.
   */
  public boolean isRunBy(Collection<VcpuRegisters> vcpus) {
    Set<GuestVirtualAddress> bases = perCpu.onlineBases();
    return vcpus.stream()
        .anyMatch(vcpu -> bases.contains(vcpu.gsBase()) || bases.contains(vcpu.kernelGsBase()));
  }
}
