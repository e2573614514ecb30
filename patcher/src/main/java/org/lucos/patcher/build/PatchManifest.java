package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import java.util.List;

/**
 * What a bundle says about itself: {@code manifest.json}.
 *
 * @param formatVersion of the bundle; a reader refuses what is newer than {@link #FORMAT_VERSION}
 * @param description of the patch
 * @param variants one for each kernel it was built for
 * @param skipped kernels it was to be built for and could not
 */
public record PatchManifest(
    int formatVersion,
    PatchDescription description,
    List<PatchVariant> variants,
    List<SkippedKernel> skipped) {
  /** What this version writes. Readers refuse fields they do not know, whatever the number. */
  public static final int FORMAT_VERSION = 1;

  public PatchManifest {
    if (formatVersion < 1) {
      throw new IllegalArgumentException("not a format version: " + formatVersion);
    }
    variants = ImmutableList.copyOf(variants);
    skipped = ImmutableList.copyOf(skipped);
  }

  /**
   * A kernel there is no variant for.
   *
   * @param release as {@code uname -r} prints it
   * @param code of the refusal
   * @param reason its message
   */
  public record SkippedKernel(String release, String code, String reason) {}
}
