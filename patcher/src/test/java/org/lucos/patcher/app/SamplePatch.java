package org.lucos.patcher.app;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.build.PatchAssembler;
import org.lucos.patcher.build.PatchAssembler.CompiledFile;
import org.lucos.patcher.build.PatchAssembler.TargetKernel;
import org.lucos.patcher.build.PatchDescription;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.diff.KernelC;

/** A small patch, compiled here. */
public final class SamplePatch {
  private static final String BEFORE =
      """
      extern int jiffies_like;
      static int calls;
      int target(int x) { calls++; WARN_ON(x > 9); return x + jiffies_like; }
      """;
  private static final String AFTER =
      """
      extern int jiffies_like;
      static int calls;
      static int fresh[4];
      int target(int x) { calls++; WARN_ON(x > 9); fresh[x & 3]++;
        return printk("fresh", fresh[0]) - jiffies_like; }
      """;

  private SamplePatch() {}

  /** A patch for a kernel. */
  public static PatchObject of(String release, String description) {
    return PatchAssembler.assemble(
        new PatchDescription("sample", description, List.of("CVE-1"), Instant.EPOCH, "0.1.0"),
        new TargetKernel(release, Optional.of("ab".repeat(20)), "gcc-12 12.2.0"),
        List.of(
            new CompiledFile(
                "kernel/thing.o",
                Optional.of("thing"),
                true,
                KernelC.plainObject(BEFORE),
                KernelC.sectionsObject(BEFORE),
                KernelC.sectionsObject(AFTER))));
  }
}
