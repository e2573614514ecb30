package org.lucos.patcher.health;

import java.util.ArrayList;
import java.util.List;

/** Marks that a kernel carries until it is booted anew (include/linux/panic.h, in their order). */
public enum Taint {
  PROPRIETARY_MODULE('P', "a proprietary module was loaded"),
  FORCED_MODULE('F', "a module was loaded by force"),
  CPU_OUT_OF_SPEC('S', "the kernel runs on a system out of specification"),
  FORCED_UNLOAD('R', "a module was unloaded by force"),
  MACHINE_CHECK('M', "a processor reported a machine check"),
  BAD_PAGE('B', "a page was found in a state that must not be"),
  USER('U', "a program asked for it"),
  DIED('D', "the kernel has oopsed or met a BUG"),
  ACPI_TABLE('A', "an ACPI table was overridden"),
  WARNED('W', "the kernel has warned"),
  STAGING_DRIVER('C', "a staging driver was loaded"),
  FIRMWARE('I', "a severe firmware bug is worked around"),
  OUT_OF_TREE_MODULE('O', "a module from elsewhere was loaded"),
  UNSIGNED_MODULE('E', "an unsigned module was loaded"),
  SOFT_LOCKUP('L', "a CPU was stuck in the kernel"),
  LIVEPATCH('K', "the kernel was livepatched from inside"),
  AUXILIARY('X', "its distribution marked it"),
  RANDOM_LAYOUT('T', "it was built with random layouts of structures"),
  TEST('N', "a test module was loaded");

  private final char letter;
  private final String meaning;

  Taint(char letter, String meaning) {
    this.letter = letter;
    this.meaning = meaning;
  }

  /** The letter that the kernel prints. */
  public char letter() {
    return letter;
  }

  /** What it means, for people. */
  public String meaning() {
    return meaning;
  }

  /** Whether something has gone wrong in the kernel, other than that something was loaded. */
  public boolean isTrouble() {
    return this == BAD_PAGE || this == DIED || this == WARNED || this == SOFT_LOCKUP;
  }

  /** Those that are in a mask; bits that are not known here are left out. */
  public static List<Taint> of(long mask) {
    List<Taint> found = new ArrayList<>();
    long rest = mask;
    for (Taint taint : values()) {
      if ((rest & 1) != 0) {
        found.add(taint);
      }
      rest >>>= 1;
    }
    return found;
  }
}
