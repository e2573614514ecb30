package org.lucos.patcher.consistency;

import java.util.List;

/**
 * The outcome of one check.
 *
 * @param findings what stands against replacing the code; empty is all clear
 * @param tasks how many tasks it speaks for
 * @param reread of how many of them anything was read in this check, rather than known from before
 * @param words how many words of stack were read in this check
 * @param cleared tasks with suspicious words that a complete backtrace explained
 */
public record StackReport(List<Finding> findings, int tasks, int reread, long words, int cleared) {

  /** Copies the list. */
  public StackReport {
    findings = List.copyOf(findings);
  }

  /** Whether no task and no vCPU is inside of the code. */
  public boolean isClear() {
    return findings.isEmpty();
  }

  /** The findings that name a function in use, without those that may pass by themselves. */
  public List<Finding.InUse> inUse() {
    return findings.stream()
        .filter(Finding.InUse.class::isInstance)
        .map(Finding.InUse.class::cast)
        .toList();
  }
}
