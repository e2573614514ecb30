package org.lucos.patcher.build;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The date of a change, told by what is built and not by a clock: the same inputs give the same
 * bundle.
 */
final class SourceDate {
  private static final Pattern MAIL = Pattern.compile("(?m)^Date:\\s+(.+)$");
  private static final Pattern FILE =
      Pattern.compile(
          "(?m)^\\+\\+\\+ [^\\t\\n]+\\t(\\d{4}-\\d\\d-\\d\\d) (\\d\\d:\\d\\d:\\d\\d)(?:\\.\\d+)?"
              + " ([+-]\\d\\d)(\\d\\d)");

  private SourceDate() {}

  /**
   * {@code SOURCE_DATE_EPOCH} (seconds) if it is set; else the date of the mail the diff came with;
   * else that of its newest file; else the beginning of 1970.
   */
  static Instant of(Map<String, String> environment, String diff) {
    return epoch(environment).or(() -> mail(diff)).or(() -> newestFile(diff)).orElse(Instant.EPOCH);
  }

  private static Optional<Instant> epoch(Map<String, String> environment) {
    String seconds = environment.getOrDefault("SOURCE_DATE_EPOCH", "");
    return seconds.matches("\\d{1,11}")
        ? Optional.of(Instant.ofEpochSecond(Long.parseLong(seconds)))
        : Optional.empty();
  }

  private static Optional<Instant> mail(String diff) {
    Matcher date = MAIL.matcher(diff);
    return date.find()
        ? parsed(date.group(1).strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
        : Optional.empty();
  }

  private static Optional<Instant> newestFile(String diff) {
    Matcher files = FILE.matcher(diff);
    Optional<Instant> newest = Optional.empty();
    while (files.find()) {
      String text = files.group(1) + "T" + files.group(2) + files.group(3) + ":" + files.group(4);
      Optional<Instant> date = parsed(text, DateTimeFormatter.ISO_OFFSET_DATE_TIME);
      if (date.isPresent() && (newest.isEmpty() || date.get().isAfter(newest.get()))) {
        newest = date;
      }
    }
    return newest;
  }

  private static Optional<Instant> parsed(String text, DateTimeFormatter format) {
    try {
      return Optional.of(OffsetDateTime.parse(text, format).toInstant());
    } catch (DateTimeException e) {
      return Optional.empty(); // a date nobody can read is none
    }
  }
}
