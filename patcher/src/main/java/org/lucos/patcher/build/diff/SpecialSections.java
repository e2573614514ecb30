package org.lucos.patcher.build.diff;

import java.util.Map;
import java.util.TreeMap;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSection;

/** The tables about places in code that an object brings along, for reports. */
public final class SpecialSections {
  private SpecialSections() {}

  /** Entries of each table, by the section's name. */
  public static Map<String, Integer> counts(ElfObject object) {
    Map<String, Integer> counts = new TreeMap<>();
    for (ElfSection section : object.sections()) {
      TableFormat.of(section.name())
          .ifPresent(
              format ->
                  counts.merge(
                      section.name(),
                      object.relocations(section).size() / format.relocations(),
                      Integer::sum));
    }
    counts.values().removeIf(count -> count == 0);
    return counts;
  }
}
