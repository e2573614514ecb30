package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import java.util.List;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfChecks;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * A patch for one kernel, ready to be linked against a running one.
 *
 * @param description of the patch
 * @param variant what is in it
 * @param image relocatable ELF: changed and new functions with their data and tables. Every
 *     undefined symbol is in {@link PatchVariant#references()}
 * @param originals one for each C file, in the order of {@link PatchVariant#originals()}
 */
public record PatchObject(
    PatchDescription description,
    PatchVariant variant,
    Bytes image,
    List<ReferenceObject> originals) {
  public PatchObject {
    originals = ImmutableList.copyOf(originals);
  }

  /** The same under other words. */
  public PatchObject describedAs(PatchDescription other) {
    return new PatchObject(other, variant, image, originals);
  }

  /** The same, made of this. */
  PatchObject from(PatchVariant.Origin origin) {
    return new PatchObject(description, variant.from(origin), image, originals);
  }

  /**
   * Fails unless everything in it that should be an object file is one.
   *
   * @param file the bundle it comes from
   * @throws RefusedException with {@link InputRefusal.BadBundle}
   */
  public void requireObjectFiles(String file) {
    try {
      ElfChecks.requireSound(ElfObject.parse("image", image));
      for (ReferenceObject original : originals) {
        ElfChecks.requireSound(ElfObject.parse(original.object(), original.elf()));
      }
    } catch (MalformedDataException e) {
      throw new RefusedException(
          new InputRefusal.BadBundle(file, "no object file: " + e.getMessage()));
    }
  }
}
