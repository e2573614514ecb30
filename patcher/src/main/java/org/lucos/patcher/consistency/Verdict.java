package org.lucos.patcher.consistency;

import java.util.List;

/**
 * What was found on the stack of a task that no CPU ran. It holds for as long as the task has not
 * run: nobody else changes its stack, nor what tracers keep of its return addresses.
 *
 * @param seen the task as it was read before its stack was
 * @param findings what stands against replacing the code
 * @param cleared whether a complete backtrace explained suspicious words
 */
record Verdict(TaskStack seen, List<Finding> findings, boolean cleared) {
  Verdict {
    findings = List.copyOf(findings);
  }

  /**
   * Whether it says something that lasts; what could not be judged may be judged a moment later.
   */
  boolean isCertain() {
    return !seen.running() && findings.stream().allMatch(Finding.InUse.class::isInstance);
  }
}
