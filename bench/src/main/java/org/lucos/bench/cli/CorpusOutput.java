package org.lucos.bench.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.lucos.bench.report.Figures;
import org.lucos.bench.report.Reports;
import org.lucos.bench.report.Summary;

/** Prints what a run came to. */
final class CorpusOutput {
  private CorpusOutput() {}

  static int print(Path directory, boolean json) {
    Figures figures = Reports.figures(directory);
    PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
    try {
      out.println(
          json
              ? new ObjectMapper()
                  .enable(SerializationFeature.INDENT_OUTPUT)
                  .writeValueAsString(figures)
              : Summary.text(figures) + "\nSee " + directory.resolve("index.html"));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("figures cannot be written as JSON", e);
    }
    out.flush();
    return 0;
  }
}
