package org.lucos.patcher.build;

import com.google.common.collect.ImmutableMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.patcher.bytes.Bytes;

/**
 * Probes with the programs they bring along.
 *
 * @param programs by their digest
 */
public record ProbeSet(List<PatchProbe> probes, Map<String, Bytes> programs) {
  /** No probes. */
  public static final ProbeSet NONE = new ProbeSet(List.of(), Map.of());

  private static final int OBSERVER_LIMIT = 60_000;
  private static final int FIXED = 0;
  private static final int FLAWED = 10;

  /** Throws unless a patch may have these together. */
  public ProbeSet {
    probes = PatchProbe.together(probes);
    programs = ImmutableMap.copyOf(programs);
  }

  /** The program that a probe runs, if it brings one along. */
  public Optional<Bytes> program(PatchProbe probe) {
    return Optional.ofNullable(programs.get(probe.program()));
  }

  /** What an observer of a flaw ({@code kernel-patches/fixes/observe.h}) is good for. */
  static ProbeSet ofObserver(String name, Bytes observer) {
    String digest = observer.sha256();
    return new ProbeSet(
        List.of(
            observed("flaw-is-seen", PatchProbe.When.BEFORE, name, FLAWED, "", digest),
            observed(
                "flaw-is-gone",
                PatchProbe.When.AFTER,
                name,
                FIXED,
                "the flaw is still there",
                digest)),
        Map.of(digest, observer));
  }

  private static PatchProbe observed(
      String probe,
      PatchProbe.When when,
      String name,
      int exitCode,
      String failure,
      String digest) {
    return new PatchProbe(
        probe,
        when,
        PatchProbe.Check.PROGRAM,
        List.of(name),
        OBSERVER_LIMIT,
        exitCode,
        "",
        0,
        false,
        failure,
        digest);
  }
}
