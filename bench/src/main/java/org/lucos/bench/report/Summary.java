package org.lucos.bench.report;

import java.util.Locale;
import java.util.Map;

/** Figures in words. */
public final class Summary {
  private Summary() {}

  /** Markdown that reads as text, too. */
  public static String text(Figures figures) {
    StringBuilder text = new StringBuilder();
    line(text, "- files: %d", figures.files());
    figures.outcomes().forEach((outcome, count) -> line(text, "  - %s: %d", word(outcome), count));
    line(
        text,
        "- code only, with a difference in machine code: %d, of which %d build (%.1f %%)",
        figures.codeOnly(),
        figures.codeOnlyBuilt(),
        figures.codeOnlyPercent());
    line(
        text,
        "- tried in a guest under load: %d, of which %d were applied and reverted without a word in"
            + " its log (%.1f %%); with warnings: %d",
        figures.tried(),
        figures.good(),
        figures.goodPercent(),
        figures.warned());
    line(
        text,
        "- median build %.1f s, bundle %.0f bytes; median apply %.2f s",
        figures.buildSeconds(),
        figures.bundleBytes(),
        figures.applySeconds());
    line(
        text,
        "- median pause %.2f ms (apply), %.2f ms (revert); longest %.1f ms",
        figures.applyPause(),
        figures.revertPause(),
        figures.longestPause());
    if (!figures.refusals().isEmpty()) {
      line(text, "- refusals:");
      for (Map.Entry<String, Integer> refusal : figures.refusals().entrySet()) {
        line(text, "  - %s: %d", refusal.getKey(), refusal.getValue());
      }
    }
    return text.toString();
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private static String word(String constant) {
    return constant.replace('_', ' ');
  }
}
