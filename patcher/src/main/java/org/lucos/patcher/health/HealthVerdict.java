package org.lucos.patcher.health;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * How a guest is since its baseline was taken.
 *
 * @param symptoms what was found, in the order in which it was
 * @param looks how often it was looked at
 * @param watched for how long
 * @param notes what could not be seen, one line each
 */
public record HealthVerdict(
    List<Symptom> symptoms, int looks, Duration watched, List<String> notes) {
  /** Copies the lists. */
  public HealthVerdict {
    symptoms = List.copyOf(symptoms);
    notes = List.copyOf(notes);
  }

  /** Whether nothing speaks against the patch. */
  public boolean isHealthy() {
    return reason().isEmpty();
  }

  /** What speaks against the patch most plainly: what is nearest to its code. */
  public Optional<Symptom> reason() {
    return symptoms.stream()
        .filter(Symptom::against)
        .min(Comparator.comparingInt(HealthVerdict::distance));
  }

  private static int distance(Symptom symptom) {
    return switch (symptom.where()) {
      case "inside" -> 0;
      case "near" -> 1;
      default -> 2;
    };
  }
}
