package org.lucos.patcher.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.Damage;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.ReferenceObject;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.RefusedException;

/** A signed bundle may still hold anything: its digests are right, its objects are not. */
class HostileObjectsTest {
  private static final int ROUNDS = 6_000;
  private static final ModuleImage.Shape SHAPE =
      new ModuleImage.Shape(1024, 24, 56, "6.1.0-test SMP", Bytes.of(new byte[64]));

  private final SampleKernel kernel = new SampleKernel();

  @Test
  void anyImageGivesAModuleOrATypedError() {
    Random random = new Random(20261121);
    PatchObject good = kernel.patch(SampleKernel.global("global_value"));
    assertThat(makesModule(good)).isTrue();
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Bytes image = Bytes.of(Damage.any(good.image().toArray(), random));
      refused +=
          survives(
              round, new PatchObject(good.description(), good.variant(), image, good.originals()));
    }
    assertThat(refused).isBetween(1, ROUNDS - 1);
  }

  @Test
  void anyOriginalGivesAModuleOrATypedError() {
    Random random = new Random(20261122);
    PatchObject good = kernel.patch(SampleKernel.global("global_value"));
    ReferenceObject original = good.originals().get(0);
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Bytes elf = Bytes.of(Damage.any(original.elf().toArray(), random));
      refused +=
          survives(
              round,
              new PatchObject(
                  good.description(),
                  good.variant(),
                  good.image(),
                  List.of(new ReferenceObject(original.object(), original.module(), elf))));
    }
    assertThat(refused).isBetween(1, ROUNDS - 1);
  }

  private int survives(int round, PatchObject patch) {
    try {
      return makesModule(patch) ? 0 : 1;
    } catch (RuntimeException e) {
      return fail("round " + round, e);
    }
  }

  private boolean makesModule(PatchObject patch) {
    try {
      patch.requireObjectFiles("some.lucos");
      LinkedPatch linked = Linker.link(patch, kernel.running());
      return ModuleImage.build(linked, SHAPE, new byte[8]).length > 0;
    } catch (RefusedException | MalformedDataException e) {
      return false;
    }
  }
}
