package org.lucos.tests.link;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.Flavour;
import org.lucos.patcher.build.KernelTree;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant.Kind;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.build.ReferenceObject;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfCopy;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.LinkedFunction;
import org.lucos.patcher.link.LinkedPatch;
import org.lucos.patcher.link.Linker;
import org.lucos.patcher.link.TargetModule;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.Repository;
import org.lucos.tests.guest.TestGuest;

/**
 * C files of modules, of one and of many files, in their own directory and below it, with static
 * calls, static branches and tracepoints: all of their code must be found in the loaded module.
 */
class LinkInModulesTest {
  private static final List<String> MODULES =
      List.of("binfmt_misc", "tun", "overlay", "xfs", "kvm", "cuse");
  private static final List<String> FILES =
      List.of(
          "fs/binfmt_misc.c",
          "drivers/net/tun.c",
          "fs/overlayfs/dir.c",
          "fs/xfs/xfs_inode.c",
          "fs/xfs/libxfs/xfs_bmap.c",
          "fs/fuse/cuse.c",
          "arch/x86/kvm/x86.c");

  @TempDir private Path cache;

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void everyFunctionOfALoadedModuleIsFoundByteForByte(String series) {
    GuestSpec spec = GuestSpec.cloud(series);
    for (String module : MODULES) {
      spec = spec.withModule(module);
    }
    try (TestGuest guest = TestGuest.boot(spec);
        Hypervisor hypervisor = Hypervisor.open("qemu:///system");
        GuestDomain domain = hypervisor.attach(guest.name())) {
      RunningKernel kernel = RunningKernel.attach(domain, cache);
      KernelTree tree =
          KernelTrees.onThisHost(Repository.cache()).prepare(guest.release(), BuildListener.SILENT);
      for (String file : FILES) {
        String module = tree.module(file).orElseThrow();
        LinkedPatch linked = Linker.link(patch(tree, file, module), kernel);
        assertThat(linked.modules()).extracting(TargetModule::name).containsExactly(module);
        assertThat(linked.functions()).hasSizeGreaterThan(3);
        for (LinkedFunction function : linked.functions()) {
          assertThat(kernel.module(module).orElseThrow().all(function.name()))
              .anyMatch(symbol -> symbol.address().equals(function.code().start()));
        }
        System.out.printf(
            "%s %s of %s: %d functions%n",
            guest.release(), file, module, linked.functions().size());
      }
    }
  }

  /** A patch of every function of the file that can be told by its name. */
  private static PatchObject patch(KernelTree tree, String file, String module) {
    String object = file.replace(".c", ".o");
    ElfObject elf =
        ElfObject.parse(object, tree.compile(file, Flavour.PLAIN, BuildListener.SILENT));
    ReferenceObject original =
        new ReferenceObject(object, Optional.of(module), Bytes.of(ElfCopy.withoutDebug(elf)));
    List<TargetFunction> targets =
        Originals.functions(original).stream()
            .filter(symbol -> !symbol.name().contains("."))
            .filter(symbol -> elf.symbols(symbol.name()).size() == 1)
            .map(symbol -> HandMadePatch.target(original, symbol.name()))
            .toList();
    String name = targets.get(0).name();
    return HandMadePatch.of(
        tree.release(),
        Optional.of(tree.buildId()),
        List.of(original),
        targets,
        "jiffies_64",
        new SymbolReference(
            object + ":" + name,
            name,
            Optional.of(object),
            Kind.FUNCTION,
            true,
            Optional.of(name),
            Optional.of(module)));
  }
}
