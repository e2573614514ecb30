package org.lucos.bench.report;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.lucos.bench.corpus.BuildResult;
import org.lucos.bench.corpus.LiveResult;

/** A row as the table has it; empty cells for what was not done. */
@JsonPropertyOrder({
  "path",
  "area",
  "placement",
  "kind",
  "kindReason",
  "lines",
  "build",
  "live",
  "code",
  "detail",
  "buildSeconds",
  "bundleBytes",
  "functions",
  "newFunctions",
  "applySeconds",
  "applyPauseMs",
  "attempts",
  "revertSeconds",
  "revertPauseMs",
  "unloaded",
  "warnings"
})
record CsvLine(
    String path,
    String area,
    String placement,
    String kind,
    String kindReason,
    int lines,
    String build,
    String live,
    String code,
    String detail,
    double buildSeconds,
    long bundleBytes,
    String functions,
    String newFunctions,
    @Nullable Double applySeconds,
    @Nullable Double applyPauseMs,
    @Nullable Integer attempts,
    @Nullable Double revertSeconds,
    @Nullable Double revertPauseMs,
    @Nullable Boolean unloaded,
    String warnings) {
  static CsvLine of(Row row) {
    BuildResult build = row.build();
    Optional<LiveResult> live = row.live();
    return new CsvLine(
        build.path(),
        build.area().label(),
        build.placement(),
        build.kind().label(),
        build.kindReason(),
        build.lines(),
        build.outcome().name(),
        live.map(l -> l.outcome().name()).orElse(""),
        row.code(),
        row.detail(),
        build.seconds(),
        build.bytes(),
        String.join(" ", build.functions()),
        String.join(" ", build.newFunctions()),
        number(live, LiveResult::applySeconds),
        number(live, LiveResult::applyPause),
        live.map(LiveResult::attempts).orElse(null),
        number(live, LiveResult::revertSeconds),
        number(live, LiveResult::revertPause),
        live.map(LiveResult::unloaded).orElse(null),
        live.map(l -> String.join("\n", l.warnings())).orElse(""));
  }

  private static @Nullable Double number(
      Optional<LiveResult> live, ToDoubleFunction<LiveResult> value) {
    return live.isPresent() ? value.applyAsDouble(live.get()) : null;
  }
}
