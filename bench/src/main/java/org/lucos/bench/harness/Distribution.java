package org.lucos.bench.harness;

import java.util.List;
import org.HdrHistogram.Histogram;

/** What a distribution looks like; each value is right to three digits. */
public record Distribution(long count, long least, long median, long p99, long most) {
  private static final int DIGITS = 3;

  /** Of samples that are not negative. */
  public static Distribution of(List<Long> samples) {
    Histogram histogram = new Histogram(DIGITS);
    samples.forEach(histogram::recordValue);
    return samples.isEmpty()
        ? new Distribution(0, 0, 0, 0, 0)
        : new Distribution(
            histogram.getTotalCount(),
            histogram.getMinValue(),
            histogram.getValueAtPercentile(50),
            histogram.getValueAtPercentile(99),
            histogram.getMaxValue());
  }
}
