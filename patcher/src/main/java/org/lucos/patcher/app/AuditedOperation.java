package org.lucos.patcher.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.transaction.SwitchOutcome;

/**
 * An operation that writes to a guest, as the audit log will tell of it: one line, whether it is
 * done, refused or fails. That a line can be written is made sure of before the operation begins.
 */
final class AuditedOperation {
  private final Map<String, Object> known = new LinkedHashMap<>();
  private final List<Map<String, Object>> patches = new ArrayList<>();
  private @Nullable GuestSession session;
  private OptionalInt inside = OptionalInt.empty();
  private String state = "";
  private ExitCode exitCode = ExitCode.OK;

  private AuditedOperation() {}

  /**
   * What is done, and tells the operation about it.
   *
   * @param <R> what it ends in
   */
  interface Work<R> {
    /** Does it. */
    R run(AuditedOperation operation);
  }

  /**
   * Does something that writes to a guest, and records it.
   *
   * @param name of the operation, such as {@code apply}
   * @param guest as the operator called it
   * @param bundles files that it takes patches from
   * @throws RefusedException {@code AuditNotWritable}, before anything is done
   */
  static <R> R run(Settings settings, String name, String guest, List<Path> bundles, Work<R> work) {
    AuditedOperation operation = new AuditedOperation();
    operation.known.put("at", settings.clock().instant().toString());
    operation.known.putAll(Operator.current().fields());
    operation.known.put("operation", name);
    operation.known.put("guest", Map.of("name", guest));
    if (!bundles.isEmpty()) {
      operation.known.put("bundles", bundles.stream().map(AuditedOperation::digest).toList());
    }
    long start = System.nanoTime();
    AuditTrail trail = new AuditTrail(settings.state());
    try (BegunOperations.Begun begun = begin(settings, trail, operation.known)) {
      R result;
      try {
        result = work.run(operation);
      } catch (RuntimeException | Error failure) {
        operation.failed(failure);
        try {
          begun.end(trail, operation.line(start));
        } catch (IOException e) {
          failure.addSuppressed(e);
        }
        throw failure;
      }
      try {
        begun.end(trail, operation.line(start));
      } catch (IOException e) {
        throw new RefusedException(
            new HostRefusal.RecordIncomplete(
                name, operation.state, notWritable(trail, e).message()),
            e);
      }
      return result;
    }
  }

  /** One that is not recorded, since it writes nothing. */
  static AuditedOperation ofNoRecord() {
    return new AuditedOperation();
  }

  private static BegunOperations.Begun begin(
      Settings settings, AuditTrail trail, Map<String, ?> known) {
    try {
      BegunOperations all = new BegunOperations(settings.state());
      trail.requireWritable();
      all.recordDead(trail, settings.clock());
      return all.begin(known);
    } catch (IOException | UncheckedIOException e) { // the latter from the list of a directory
      throw new RefusedException(notWritable(trail, e), e);
    }
  }

  private static HostRefusal notWritable(AuditTrail trail, Exception e) {
    return new HostRefusal.AuditNotWritable(trail.log().toString(), String.valueOf(e));
  }

  /** In this guest. */
  GuestSession in(GuestSession entered) {
    known.put("guest", entered.describe());
    session = entered;
    return entered;
  }

  /** With this patch, of a bundle that was read. */
  void patch(CheckedBundle bundle) {
    Report.Signature signature = bundle.signature();
    Map<String, Object> patch = new LinkedHashMap<>();
    patch.put("patch", bundle.bundle().manifest().description().name());
    patch.put("manifest", bundle.bundle().manifestBytes().sha256());
    patch.put("signature", signature.state());
    patch.put("keys", signature.keyIds());
    patches.add(patch);
  }

  /** With a patch that is in the guest, or is now. */
  void patch(String patch, String module, String became) {
    patches.stream()
        .filter(entry -> patch.equals(entry.get("patch")))
        .findFirst()
        .orElseGet(
            () -> {
              Map<String, Object> entry = new LinkedHashMap<>();
              entry.put("patch", patch);
              patches.add(entry);
              return entry;
            })
        .putAll(Map.of("module", module, "state", became));
  }

  /** How the switch went. */
  void switched(SwitchOutcome outcome) {
    known.put("attempts", outcome.attempts());
    known.put("retries", outcome.retries());
    known.put("tasksChecked", outcome.tasks());
    known.put("pauseMilliseconds", Report.millis(outcome.pause()));
    inside = OptionalInt.of(outcome.inside());
  }

  /** Any other fact. */
  void fact(String name, Object value) {
    known.put(name, value);
  }

  /** It is done. */
  void done(String outcome, ExitCode code) {
    state = outcome;
    exitCode = code;
  }

  private void failed(Throwable failure) {
    Optional<Refusal> refusal = Failures.refusal(failure);
    state = refusal.map(Refusal::code).orElse("failed");
    exitCode = refusal.map(Refusal::exitCode).orElse(ExitCode.FAILED);
    refusal
        .filter(BusyRefusal.FunctionInUse.class::isInstance)
        .ifPresent(busy -> inside = OptionalInt.of(((BusyRefusal.FunctionInUse) busy).count()));
    known.put("detail", refusal.map(Refusal::message).orElseGet(() -> Failures.describe(failure)));
  }

  private Map<String, Object> line(long start) {
    Map<String, Object> line = new LinkedHashMap<>(known);
    if (!patches.isEmpty()) {
      line.put("patches", List.copyOf(patches));
    }
    line.put("outcome", state);
    line.put("exitCode", exitCode.value());
    line.put("milliseconds", Report.millis(Duration.ofNanos(System.nanoTime() - start)));
    if (session != null) {
      line.put("agent", session.agent().evidence(inside));
      line.put("pauses", Report.Pauses.of(session.domain().pauses()));
    }
    return line;
  }

  private static Map<String, String> digest(Path bundle) {
    Map<String, String> entry = new LinkedHashMap<>();
    entry.put("file", bundle.toString());
    try {
      entry.put("sha256", Bytes.of(Files.readAllBytes(bundle)).sha256());
    } catch (IOException e) {
      entry.put("sha256", "unreadable"); // the operation itself refuses it
    }
    return entry;
  }
}
