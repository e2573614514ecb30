package org.lucos.bench.micro;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lucos.bench.harness.Distribution;
import org.lucos.bench.harness.Samples;

/** Times of hot paths as samples, and what their medians say. */
public final class HotPathSpeeds {
  private static final String GROUP = "paths";

  private static final String PER_MEBIBYTE = "ns/MiB";
  private static final double BYTES = 1 << 20;

  private static final String PER_THOUSAND = "ns/1000";
  private static final double ITEMS = 1000;

  /** As many as a median is right to. */
  private static final int DIGITS = 3;

  private final Samples samples;

  /** Keeps them there. */
  public HotPathSpeeds(Samples samples) {
    this.samples = samples;
  }

  /** One more iteration. */
  public void add(HotPath path, Iteration iteration) {
    iteration
        .nanosPerByte()
        .ifPresent(
            nanos -> samples.add(GROUP, path.label(), PER_MEBIBYTE, Math.round(nanos * BYTES)));
    iteration
        .nanosPerItem()
        .ifPresent(
            nanos -> samples.add(GROUP, counted(path), PER_THOUSAND, Math.round(nanos * ITEMS)));
  }

  /** A line for each path that has a limit: how fast, and how near to that. */
  public List<String> ratios() {
    List<String> lines = new ArrayList<>();
    for (HotPath path : HotPath.values()) {
      path.limit().ifPresent(limit -> lines.add(line(path, limit)));
    }
    return lines;
  }

  private String line(HotPath path, HotPath limit) {
    boolean byBytes = bytes(path).count() > 0 && bytes(limit).count() > 0;
    double part =
        byBytes
            ? (double) bytes(limit).median() / Math.max(1, bytes(path).median())
            : (double) items(limit).median() / Math.max(1, items(path).median());
    return String.format(
        Locale.ROOT,
        "%s: %s, %.2g of its limit: %s, %s",
        path.label(),
        speed(path),
        part,
        limit.label(),
        speed(limit));
  }

  private String speed(HotPath path) {
    List<String> said = new ArrayList<>();
    if (bytes(path).count() > 0) {
      said.add(perSecond(BYTES / 1e6, bytes(path), "MB"));
    }
    if (items(path).count() > 0) {
      said.add(perSecond(ITEMS, items(path), path.items()));
    }
    return String.join(", ", said);
  }

  private static String perSecond(double amount, Distribution nanos, String what) {
    double seconds = Math.max(1, nanos.median()) / 1e9;
    BigDecimal rate = new BigDecimal(amount / seconds).round(new MathContext(DIGITS));
    return String.format(Locale.ROOT, "%,.0f %s/s", rate, what);
  }

  private Distribution bytes(HotPath path) {
    return samples.of(GROUP, path.label());
  }

  private Distribution items(HotPath path) {
    return samples.of(GROUP, counted(path));
  }

  private static String counted(HotPath path) {
    return path.label() + ": " + path.items();
  }
}
