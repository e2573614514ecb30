package org.lucos.patcher.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.build.PatchVariant.Kind;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/** The sample's code in a module instead of vmlinux. */
class ModuleLinkTest {
  private static final String MODULE = "sample_module";

  private final SampleKernel kernel = new SampleKernel();

  private LinkedPatch link(SymbolReference... references) {
    return Linker.link(kernel.patch(references), kernel.running());
  }

  private static KernelSymbol exported(String name, long address) {
    return new KernelSymbol(
        name, new GuestVirtualAddress(address), 'T', Optional.of("other_module"));
  }

  @Test
  void aFunctionIsFoundInTheTextOfItsModule() {
    kernel.moveToModule(MODULE, Set.of("alpha"), List.of());

    LinkedPatch linked = link(SampleKernel.local("counter", Kind.OBJECT));

    assertThat(linked.functions().get(0).code().start().value()).isEqualTo(SampleKernel.TEXT);
    assertThat(linked.modules()).extracting(TargetModule::name).containsExactly(MODULE);
    assertThat(linked.symbols().values())
        .containsExactly(new GuestVirtualAddress(SampleKernel.START + 0xa004));
  }

  @Test
  void whatTheModuleDefinesComesBeforeVmlinuxAndThatBeforeOtherModules() {
    long other = SampleKernel.START + 0x9000;
    kernel.symbol("in_vmlinux", SampleKernel.START + 0x3800, 'T');
    kernel.moveToModule(
        MODULE,
        Set.of("alpha"),
        List.of(
            exported("alpha", other), exported("in_vmlinux", other), exported("exported", other)));

    LinkedPatch linked =
        link(
            SampleKernel.inModule(MODULE, "alpha"),
            SampleKernel.inModule(MODULE, "in_vmlinux"),
            SampleKernel.inModule(MODULE, "exported"));

    assertThat(linked.symbols())
        .containsEntry(MODULE + ":alpha", new GuestVirtualAddress(SampleKernel.TEXT))
        .containsEntry(MODULE + ":in_vmlinux", new GuestVirtualAddress(SampleKernel.START + 0x3800))
        .containsEntry(MODULE + ":exported", new GuestVirtualAddress(other));
  }

  @Test
  void aStaticOfAnotherFileOfTheModuleIsNotTakenForAGlobal() {
    kernel.moveToModule(MODULE, Set.of("alpha"), List.of());

    assertThatThrownBy(() -> link(SampleKernel.inModule(MODULE, "alpha.cold")))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal()).isInstanceOf(FitRefusal.SymbolNotResolved.class));
  }

  @Test
  void aModuleThatIsNotLoadedIsNamed() {
    kernel.moveToModule(MODULE, Set.of("alpha"), List.of());
    kernel.modules.clear();
    RunningCode running = kernel.running();
    RunningCode absent =
        new RunningCode(
            running.identity(),
            running.symbols(),
            running.memory(),
            running.text(),
            running.changes(),
            name -> {
              throw new RefusedException(new StateRefusal.ModuleNotLoaded(List.of(name)));
            });

    assertThatThrownBy(() -> Linker.link(kernel.patch(), absent))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining(MODULE);
  }

  @Test
  void codeBehindTheModulesTextIsNotTakenForIts() {
    kernel.moveToModule(MODULE, Set.of("alpha"), List.of());
    CodeHome home = kernel.running().home(Optional.of(MODULE));
    kernel.modules.put(
        MODULE,
        new CodeHome(
            home.module(),
            home.symbols(),
            List.of(new AddressRange(new GuestVirtualAddress(SampleKernel.TEXT + 0x4000), 0x100))));

    assertThatThrownBy(this::link)
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("was not found in running code");
  }
}
