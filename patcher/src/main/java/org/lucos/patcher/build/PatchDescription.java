package org.lucos.patcher.build;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
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
 * @param requires names of patches that must be applied as long as this one is
 * @param immediateSafe its author's word that old and new code may run side by side for a while
 * @param probes what tells, from inside a guest, whether it does what it is for
 */
public record PatchDescription(
    String name,
    String description,
    List<String> fixes,
    Instant created,
    String toolVersion,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) @JsonSetter(nulls = Nulls.AS_EMPTY)
        List<String> requires,
    @JsonInclude(JsonInclude.Include.NON_DEFAULT) @JsonSetter(nulls = Nulls.AS_EMPTY)
        boolean immediateSafe,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) @JsonSetter(nulls = Nulls.AS_EMPTY)
        List<PatchProbe> probes) {
  public PatchDescription {
    if (name.isBlank()) {
      throw new IllegalArgumentException("a patch needs a name");
    }
    fixes = ImmutableList.copyOf(fixes);
    requires = ImmutableList.copyOf(requires);
    probes = PatchProbe.together(probes);
  }

  /** Of a patch that needs no other. */
  public PatchDescription(
      String name, String description, List<String> fixes, Instant created, String toolVersion) {
    this(name, description, fixes, created, toolVersion, List.of(), false, List.of());
  }

  /** The same, with others that must be applied as long as it is. */
  public PatchDescription requiring(List<String> names) {
    return new PatchDescription(
        name, description, fixes, created, toolVersion, names, immediateSafe, probes);
  }

  /** The same, with its author's word that old and new code may run side by side. */
  public PatchDescription withImmediateSafe(boolean safe) {
    return new PatchDescription(
        name, description, fixes, created, toolVersion, requires, safe, probes);
  }

  /** Digests of the programs that its probes bring along, in the order of their first use. */
  public List<String> programs() {
    return probes.stream()
        .map(PatchProbe::program)
        .filter(digest -> !digest.isEmpty())
        .distinct()
        .toList();
  }

  /** The same, with probes. */
  public PatchDescription probedBy(List<PatchProbe> with) {
    return new PatchDescription(
        name, description, fixes, created, toolVersion, requires, immediateSafe, with);
  }
}
