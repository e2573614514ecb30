package org.lucos.patcher.build.diff;

import org.lucos.patcher.elf.ElfObject;

/**
 * Compares the objects of one C file before and after a change, compiled with a section for every
 * function and variable. A function has changed if its bytes, what its relocations mean, or what
 * the kernel's tables say about it differ; where symbols and sections lie makes no difference, nor
 * do line numbers of WARN and BUG.
 */
public final class ObjectDiff {
  private ObjectDiff() {}

  /**
   * What the change amounts to. Empty if it makes no difference.
   *
   * @param object the C file's object, such as {@code net/ipv4/tcp_input.o}
   * @param original compiled from the unchanged source
   * @param patched compiled from the changed source, with the same flags
   * @throws org.lucos.patcher.refusal.RefusedException with {@code TypeChanged} or {@code
   *     UnsupportedChange} if the change cannot be made to a running kernel
   * @throws org.lucos.patcher.bytes.MalformedDataException if a table of an object makes no sense
   */
  public static Extraction compare(String object, ElfObject original, ElfObject patched) {
    return compare(object, original, patched, false);
  }

  /**
   * As {@link #compare}, of a C file that the change reaches through a header only. What it changes
   * in boot code is left out and named ({@link Extraction#leftOut}): that has run, and the change
   * is not about it. A change that is made to boot code itself is refused instead, since it would
   * have no effect.
   */
  public static Extraction compareUser(String object, ElfObject original, ElfObject patched) {
    return compare(object, original, patched, true);
  }

  private static Extraction compare(
      String object, ElfObject original, ElfObject patched, boolean user) {
    new TypeRules(object, original, patched).check();
    ObjectModel before = new ObjectModel(original);
    ObjectModel after = new ObjectModel(patched);
    Correlation correlation = new Correlation(before, after);
    Comparison comparison = new Comparison(before, after, correlation);
    Changes changes = new ChangeFinder(before, after, correlation, user).find(comparison);
    new ChangeRules(object, before, after, correlation, comparison).check(changes);
    return new Extractor(object, before, after, correlation, changes).extract();
  }
}
