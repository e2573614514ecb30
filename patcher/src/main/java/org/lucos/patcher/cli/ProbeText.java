package org.lucos.patcher.cli;

import org.lucos.patcher.app.ProbeReport;

/** What came of probes, for people. */
final class ProbeText {
  private ProbeText() {}

  static void print(Console console, ProbeReport report) {
    console.line("  probes: %s", report.state().replace('-', ' '));
    for (ProbeReport.Result result : report.results()) {
      console.line("    %s", HealthText.safe(result.toString()));
    }
    for (String note : report.notes()) {
      console.line("    note: %s", HealthText.safe(note));
    }
  }
}
