package org.lucos.patcher.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Tells whether the audit log is as it was written. */
public final class CheckAudit {
  private final Settings settings;

  /** Works with these settings. */
  public CheckAudit(Settings settings) {
    this.settings = settings;
  }

  /**
   * What was found.
   *
   * @param lines that can be read
   * @param last digest of the last one; who keeps it elsewhere knows later that none was cut off
   * @param sound whether it is as it was written
   * @param problems what shows that it is not, the first line first
   * @param notes what else there is to know
   */
  public record Outcome(
      String file,
      int lines,
      String last,
      boolean sound,
      List<String> problems,
      List<String> notes) {
    /** Copies the lists. */
    public Outcome {
      problems = List.copyOf(problems);
      notes = List.copyOf(notes);
    }
  }

  /**
   * Checks the log of this host, or a copy.
   *
   * @param file the copy; its head lies beside it
   */
  public Outcome run(Optional<Path> file) {
    AuditTrail trail = trail(settings, file);
    try {
      AuditChain.Findings found = trail.read();
      List<String> notes = new ArrayList<>(found.notes());
      if (!trail.exists()) {
        notes.add("nothing was recorded yet");
      }
      int dead = file.isPresent() ? 0 : new BegunOperations(settings.state()).dead();
      if (dead > 0) {
        notes.add(dead + " operations died and are not recorded yet; the next operation does so");
      }
      return new Outcome(
          trail.log().toString(),
          found.lines().size(),
          found.last().digest(),
          found.problems().isEmpty(),
          found.problems(),
          notes);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + trail.log(), e);
    }
  }

  static AuditTrail trail(Settings settings, Optional<Path> file) {
    file.filter(named -> !Files.isRegularFile(named))
        .ifPresent(
            named -> {
              throw new RefusedException(new InputRefusal.NoAuditLog(named.toString()));
            });
    return file.map(AuditTrail::of).orElseGet(() -> new AuditTrail(settings.state()));
  }
}
