package org.lucos.patcher.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.app.Failures;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Report;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.Refusal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a command says: results on standard output, everything else on standard error. */
final class Console {
  private final PrintWriter out;
  private final PrintWriter err;
  private final boolean terminal;
  private boolean json;
  private boolean verbose;

  Console(PrintWriter out, PrintWriter err, boolean terminal) {
    this.out = out;
    this.err = err;
    this.terminal = terminal;
  }

  void configure(boolean asJson, boolean isVerbose) {
    json = asJson;
    verbose = isVerbose;
    Logging.configure(isVerbose);
  }

  boolean isJson() {
    return json;
  }

  /** Whether somebody looks on, whose screen can be written anew. */
  boolean isTerminal() {
    return terminal;
  }

  /** Prints a result: as JSON, or with the text a person reads. */
  void result(Object report, Runnable text) {
    if (json) {
      print(Map.of("ok", true, "result", report));
    } else {
      text.run();
    }
  }

  /** How long each phase took. */
  void phases(List<Report.Phase> phases) {
    phases.forEach(p -> line("  %8.1f ms  %s", p.milliseconds(), p.phase()));
  }

  void line(String format, Object... values) {
    out.printf(format + "%n", values);
  }

  /** Reports a failure and gives its exit code. */
  int failed(Throwable failure, String command) {
    Refusal refusal = Failures.refusal(failure).orElse(null);
    if (refusal != null) {
      report(
          refusal.code(),
          refusal.message(),
          refusal.remedy(),
          refusal.exitCode(),
          refusal.details());
      return refusal.exitCode().value();
    }
    Logger log = LoggerFactory.getLogger(Main.class);
    log.debug("command failed: {}", command, failure);
    String message = Failures.describe(failure);
    report(
        "failed",
        message,
        verbose ? "see the stack trace above" : "run it again with --verbose for the details",
        ExitCode.FAILED,
        List.of());
    return ExitCode.FAILED.value();
  }

  private void report(
      String code, String message, String remedy, ExitCode exit, List<? extends Record> details) {
    if (json) {
      Map<String, Object> error = new LinkedHashMap<>();
      error.put("code", code);
      error.put("message", message);
      error.put("remedy", remedy);
      error.put("exitCode", exit.value());
      if (!details.isEmpty()) {
        error.put("details", details);
      }
      print(Map.of("ok", false, "error", error));
      return;
    }
    err.println("lucos: " + HealthText.safe(message));
    if (details.size() > 1) {
      details.forEach(detail -> err.println("       - " + HealthText.safe(detail.toString())));
    }
    err.println("       " + remedy);
  }

  /** Progress for people: a bar on a terminal, a line a phase with --verbose, else nothing. */
  TerminalProgress progress() {
    return new TerminalProgress(err, terminal && !json, verbose);
  }

  Progress silent() {
    return Progress.SILENT;
  }

  void flush() {
    out.flush();
    err.flush();
  }

  /** Prints an object on one line. */
  void jsonLine(Object value) {
    try {
      out.println(mapper().writeValueAsString(value));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("result cannot be written as JSON", e);
    }
  }

  private void print(Object value) {
    try {
      out.println(mapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(value));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("result cannot be written as JSON", e);
    }
  }

  private static ObjectMapper mapper() {
    return new ObjectMapper()
        .registerModule(new Jdk8Module())
        .setDefaultPropertyInclusion(JsonInclude.Include.NON_ABSENT);
  }
}
