package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import java.time.Instant;
import java.util.List;

/**
 * What a patch is, whatever the kernel.
 *
 * @param name short, for people; not empty
 * @param description what it fixes; may be empty
 * @param fixes ids such as {@code CVE-2026-1234}
 * @param created the date of the change, as far as the input tells; see {@code SourceDate}
 * @param toolVersion what built it
 */
public record PatchDescription(
    String name, String description, List<String> fixes, Instant created, String toolVersion) {
  public PatchDescription {
    if (name.isBlank()) {
      throw new IllegalArgumentException("a patch needs a name");
    }
    fixes = ImmutableList.copyOf(fixes);
  }
}
