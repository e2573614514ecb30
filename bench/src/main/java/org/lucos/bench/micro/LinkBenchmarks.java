package org.lucos.bench.micro;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.kernel.KernelIdentity;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.LinkedPatch;
import org.lucos.patcher.link.Linker;
import org.lucos.patcher.link.ModuleImage;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** From a patch object to a module for the guest's loader. */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH sets the parameter and calls the setup
public class LinkBenchmarks {
  /** The file of a patch for the guest. */
  @Param("")
  public String bundle;

  private RunningKernel kernel;
  private PatchObject patch;
  private LinkedPatch linked;
  private byte[] ledger;
  private long bytes;

  /** Reads the bundle. */
  @Setup
  public void read(AttachedGuest guest) {
    kernel = guest.kernel();
    KernelIdentity identity = kernel.identity();
    patch = Bundle.read(Path.of(bundle)).variantFor(identity.release(), identity.buildId());
    linked = Linker.link(patch, kernel);
    ledger = "{}".getBytes(StandardCharsets.UTF_8);
    bytes =
        patch.image().size()
            + patch.originals().stream().mapToLong(original -> original.elf().size()).sum();
  }

  /** Lays the original over the running text and finds all symbols; reads the guest. */
  @Benchmark
  public LinkedPatch link(Work work) {
    LinkedPatch found = Linker.link(patch, kernel);
    work.bytes += bytes;
    return found;
  }

  /** Makes the module. */
  @Benchmark
  public byte[] relocate(Work work) {
    byte[] module = ModuleImage.of(linked, kernel, ledger);
    work.bytes += module.length;
    return module;
  }
}
