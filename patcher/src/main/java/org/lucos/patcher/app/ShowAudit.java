package org.lucos.patcher.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Shows what the audit log of this host tells. Whether that is true is for {@link CheckAudit}. */
public final class ShowAudit {
  private final Settings settings;

  /** Works with these settings. */
  public ShowAudit(Settings settings) {
    this.settings = settings;
  }

  /**
   * The lines.
   *
   * @param sound whether the log is as it was written
   */
  public record Outcome(List<Line> lines, boolean sound) {
    /** Copies the list. */
    public Outcome {
      lines = List.copyOf(lines);
    }
  }

  /**
   * One operation; what was not recorded is empty.
   *
   * @param user with the one behind sudo
   * @param record all of it, as it was recorded
   */
  public record Line(
      long number,
      String at,
      String user,
      String operation,
      String guest,
      List<String> patches,
      String outcome,
      int exitCode,
      String detail,
      ObjectNode record) {
    /** Copies the list. */
    public Line {
      patches = List.copyOf(patches);
    }

    static Line of(ObjectNode read) {
      List<String> patches = new ArrayList<>();
      read.path("patches").forEach(patch -> patches.add(patch.path("patch").asText()));
      String sudo = read.path("sudoUser").asText("");
      return new Line(
          read.path("seq").asLong(),
          read.path("at").asText(""),
          read.path("user").asText("") + (sudo.isEmpty() ? "" : " (" + sudo + ")"),
          read.path("operation").asText(""),
          read.path("guest").path("name").asText(""),
          patches,
          read.path("outcome").asText(""),
          read.path("exitCode").asInt(),
          read.path("detail").asText(""),
          read);
    }

    boolean isOf(String wanted) {
      return guest.equals(wanted) || record.path("guest").path("uuid").asText("").equals(wanted);
    }
  }

  /**
   * Shows lines.
   *
   * @param guest name or UUID; if empty, of all guests
   * @param most how many, the last ones
   */
  public Outcome run(Optional<String> guest, int most) {
    AuditTrail trail = new AuditTrail(settings.state());
    try {
      AuditChain.Findings found = trail.read();
      List<Line> lines =
          found.lines().stream()
              .map(Line::of)
              .filter(line -> guest.isEmpty() || line.isOf(guest.get()))
              .toList();
      int from = Math.max(0, lines.size() - most);
      return new Outcome(lines.subList(from, lines.size()), found.problems().isEmpty());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + trail.log(), e);
    }
  }
}
