package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.AptPackageIndex;
import org.lucos.patcher.build.ProcessCommands;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.Repository;
import org.lucos.tests.guest.TestGuest;

/** The same patch sources on other kernels. The 6.1 cloud kernel has all other tests. */
class KernelFlavoursTest {
  private static final List<Mechanism> PATCHES =
      List.of(
          Mechanism.VERSION,
          Mechanism.CMDLINE,
          Mechanism.LSEEK,
          Mechanism.GETSOCKNAME,
          Mechanism.NANOSLEEP);

  @Test
  void samePatchesWorkOnThe612CloudKernel(@Guest(series = "6.12", vcpus = 2) TestGuest guest) {
    applyObserveRevert(guest);
  }

  @Test
  void samePatchesWorkOnTheAmd64Flavour(@Guest(flavour = "amd64") TestGuest guest) {
    applyObserveRevert(guest);
  }

  @Test
  void samePatchesWorkOnThe61CloudKernel(@Guest TestGuest guest) {
    applyObserveRevert(guest);
  }

  @Test
  void oneBundleServesSeveralKernels(
      @Guest TestGuest old, @Guest(series = "6.12", vcpus = 2) TestGuest young) {
    Path bundle =
        Bundles.of(
            Mechanism.CMDLINE.recipe(), List.of(old.release(), young.release()), "two-kernels");
    for (TestGuest guest : List.of(old, young)) {
      Operator operator = new Operator(guest);
      operator.apply(bundle, Operator.PATIENCE);
      Mechanism.CMDLINE.assertSeen(guest);
      operator.assertSound(1);
      operator.revert(bundle.toString());
      Mechanism.CMDLINE.assertNotSeen(guest);
    }
  }

  @Test
  void samePatchesWorkOnTheRealTimeFlavour() {
    try (TestGuest guest = TestGuest.boot(GuestSpec.release(realTime()).withVcpus(2))) {
      applyObserveRevert(guest);
    }
  }

  /** The first real-time kernel on offer whose patches are, too: archives lose old packaging. */
  private static String realTime() {
    List<String> releases =
        new AptPackageIndex(new ProcessCommands(), Repository.cache())
            .namesBeginning("linux-image-6.1.").stream()
                .filter(name -> name.endsWith("-rt-amd64"))
                .map(name -> name.substring("linux-image-".length()))
                .sorted()
                .toList();
    for (String release : releases) {
      try {
        Bundles.of(PATCHES.get(0).recipe(), release);
        return release;
      } catch (RefusedException e) {
        if (!(e.refusal() instanceof HostRefusal.KernelPackageNotFound)) {
          throw e;
        }
      }
    }
    throw new AssertionError("none can be built for: " + releases);
  }

  private static void applyObserveRevert(TestGuest guest) {
    Operator operator = new Operator(guest);
    List<String> functions = PATCHES.stream().map(Mechanism::function).toList();
    Map<String, String> before = operator.text(functions);
    guest.markKernelLog();
    for (Mechanism patch : PATCHES) {
      patch.assertNotSeen(guest);
      operator.apply(patch.recipe());
      patch.assertSeen(guest);
    }
    operator.assertSound(PATCHES.size());
    for (Mechanism patch : PATCHES) {
      operator.revert(patch.recipe());
      patch.assertNotSeen(guest);
    }
    operator.assertSound(0);
    assertThat(operator.modules()).isEmpty();
    assertThat(operator.text(functions)).isEqualTo(before);
    guest.assertNoKernelWarnings();
  }
}
