package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableList;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.PatchVariant.Escape;
import org.lucos.patcher.build.PatchVariant.NewFunction;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.bytes.Bytes;

/**
 * The relocatable image of a patch, and what its symbols mean.
 *
 * @param elf a relocatable ELF file. Everything it defines is local; section names are unique
 * @param functions replaced ones
 * @param newFunctions added ones
 * @param references every undefined symbol
 * @param escapes what may be remembered after a revert
 * @param callbacks functions to run around a switch
 */
public record PatchImage(
    Bytes elf,
    List<ReplacedFunction> functions,
    List<NewFunction> newFunctions,
    List<SymbolReference> references,
    List<Escape> escapes,
    List<PatchVariant.Callback> callbacks) {
  public PatchImage {
    functions = ImmutableList.copyOf(functions);
    newFunctions = ImmutableList.copyOf(newFunctions);
    references = ImmutableList.copyOf(references);
    escapes = ImmutableList.copyOf(escapes);
    callbacks = ImmutableList.copyOf(callbacks);
  }

  /**
   * A function that has new code in the image.
   *
   * @param name in the original object
   * @param object of which C file
   * @param local whether only that file sees it
   * @param symbol of the new code in the image
   * @param oldParts symbols in the original of code split off it
   * @param newParts symbols in the image of the same
   */
  public record ReplacedFunction(
      String name,
      String object,
      boolean local,
      String symbol,
      List<String> oldParts,
      List<String> newParts) {
    public ReplacedFunction {
      oldParts = ImmutableList.copyOf(oldParts);
      newParts = ImmutableList.copyOf(newParts);
    }
  }

  /** One image of the changes to one or more C files of vmlinux. */
  public static PatchImage of(List<Extraction> extractions) {
    return of(extractions, Map.of());
  }

  /**
   * One image of the changes to one or more C files; the order of the files does not matter.
   *
   * @param modules the module of each object that is part of one; the others are of vmlinux
   */
  public static PatchImage of(List<Extraction> extractions, Map<String, String> modules) {
    return new ImageWriter(extractions, modules).write();
  }
}
