package org.lucos.patcher.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.build.PatchDescription;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * Lets a patch wait for modules that are not loaded. Nothing of it is applied before all are there,
 * what it changes in vmlinux included.
 */
final class WaitingApply {
  private final Settings settings;

  WaitingApply(Settings settings) {
    this.settings = settings;
  }

  /** Records the patch, unless it is a dry run. */
  ApplyPatch.Outcome begin(
      ApplyPatch.Request request,
      GuestSession session,
      CheckedBundle bundle,
      StateRefusal.ModuleNotLoaded absent,
      Phases phases) {
    var identity = session.kernel().identity();
    PatchVariant variant =
        bundle.bundle().variantFor(identity.release(), identity.buildId()).variant();
    PatchDescription description = bundle.bundle().manifest().description();
    String log = "";
    if (!request.dryRun()) {
      phases.begin("record");
      Bytes content = content(request);
      new WaitingPatches(settings, session.domain().identity().uuid())
          .add(
              new WaitingPatches.Waiting(
                  description.name(),
                  description.description(),
                  description.fixes(),
                  variant.moduleName(),
                  variant.modules(),
                  identity.boot(),
                  settings.clock().instant().toString(),
                  request.allowUnsigned(),
                  content.sha256()),
              content);
      try (OperationLog file = OperationLog.open(settings, session.domain().identity(), "apply")) {
        file.write("waiting", Map.of("patch", description.name(), "modules", absent.modules()));
        log = file.file().toString();
      }
    }
    return new ApplyPatch.Outcome(
        "waiting",
        absent.modules(),
        request.dryRun(),
        session.describe(),
        List.of(
            new ApplyPatch.Applied(
                description.name(),
                variant.moduleName(),
                variant.functions().stream()
                    .map(f -> new Report.Function(f.name(), "", "", f.replacement()))
                    .toList(),
                bundle.warning().stream().toList(),
                bundle.signature())),
        List.of(),
        List.of(),
        0,
        0,
        0,
        0,
        Report.Pauses.of(session.domain().pauses()),
        phases.end(),
        log);
  }

  private static Bytes content(ApplyPatch.Request request) {
    try {
      return Bytes.of(Files.readAllBytes(request.bundles().get(0)));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + request.bundles(), e);
    }
  }

  /** What {@code status} says of a waiting patch. */
  static ShowStatus.Patch describe(
      WaitingPatches.Waiting waiting, String boot, List<String> absent) {
    return new ShowStatus.Patch(
        waiting.patch(),
        waiting.boot().equals(boot) ? "waiting" : "expired",
        waiting.description(),
        waiting.fixes(),
        waiting.module(),
        waiting.since(),
        List.of(),
        List.of(),
        List.of(),
        absent);
  }
}
