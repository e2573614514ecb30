package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SourceDateTest {
  private static final String FILES =
      """
      --- a/x.c	2026-01-01 00:00:00.000000000 +0000
      +++ b/x.c	2026-01-02 12:00:00.123456789 +0200
      +++ b/y.c	2026-01-01 12:00:00 +0200
      """;

  @Test
  void theDiffSaysWhenItWasMade() {
    assertThat(SourceDate.of(Map.of(), "--- a/x.c\n+++ b/x.c\n")).isEqualTo(Instant.EPOCH);
    assertThat(SourceDate.of(Map.of(), FILES)).isEqualTo("2026-01-02T10:00:00Z");
    assertThat(SourceDate.of(Map.of(), "Date: Tue, 3 Mar 2026 12:00:00 +0100\n" + FILES))
        .isEqualTo("2026-03-03T11:00:00Z");
    assertThat(SourceDate.of(Map.of(), "Date: yesterday\n" + FILES))
        .isEqualTo("2026-01-02T10:00:00Z");
  }

  @Test
  void theEnvironmentComesFirst() {
    assertThat(SourceDate.of(Map.of("SOURCE_DATE_EPOCH", "1700000000"), FILES))
        .isEqualTo("2023-11-14T22:13:20Z");
    assertThat(SourceDate.of(Map.of("SOURCE_DATE_EPOCH", "soon"), FILES))
        .isEqualTo("2026-01-02T10:00:00Z");
  }
}
