package org.lucos.patcher.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

class AuditedOperationTest {
  @TempDir private Path folder;
  private Path state;
  private Settings settings;

  @BeforeEach
  void settings() {
    state = folder.resolve("state");
    settings =
        new Settings(
            "",
            folder,
            state,
            folder,
            folder,
            folder,
            InstantSource.fixed(Instant.parse("2026-11-21T12:00:00Z")));
  }

  @Test
  void oneThatIsDoneLeavesALine() throws IOException {
    Path bundle = Files.writeString(folder.resolve("fix.lucos"), "abc");

    String result =
        AuditedOperation.run(
            settings,
            "apply",
            "web",
            List.of(bundle),
            operation -> {
              operation.patch("fix-1", "lucos_fix_1", "applied");
              operation.fact("attempts", 2);
              operation.done("applied", ExitCode.OK);
              return "result";
            });

    assertThat(result).isEqualTo("result");
    ObjectNode line = onlyLine();
    assertThat(line.path("seq").asInt()).isEqualTo(1);
    assertThat(line.path("at").asText()).isEqualTo("2026-11-21T12:00:00Z");
    assertThat(line.path("host").asText()).isNotEmpty();
    assertThat(line.path("user").asText()).isNotEmpty();
    assertThat(line.path("pid").asLong()).isEqualTo(ProcessHandle.current().pid());
    assertThat(line.path("operation").asText()).isEqualTo("apply");
    assertThat(line.path("guest").path("name").asText()).isEqualTo("web");
    assertThat(line.path("bundles").path(0).path("sha256").asText())
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assertThat(line.path("patches").path(0).path("module").asText()).isEqualTo("lucos_fix_1");
    assertThat(line.path("attempts").asInt()).isEqualTo(2);
    assertThat(line.path("outcome").asText()).isEqualTo("applied");
    assertThat(line.path("exitCode").asInt()).isZero();
    assertThat(state.resolve("audit.begun")).isEmptyDirectory();
  }

  @Test
  void oneThatIsRefusedAndOneThatFailsLeaveALine() throws IOException {
    RefusedException refusal = new RefusedException(new StateRefusal.NotApplied("fix-1"));
    assertThatThrownBy(() -> run(refusal)).isSameAs(refusal);
    assertThatThrownBy(() -> run(new IllegalStateException("broke"))).hasMessage("broke");

    List<ObjectNode> lines = new AuditTrail(state).read().lines();
    assertThat(lines)
        .extracting(line -> line.path("outcome").asText())
        .containsExactly("not-applied", "failed");
    assertThat(lines)
        .extracting(line -> line.path("exitCode").asInt())
        .containsExactly(ExitCode.WRONG_STATE.value(), ExitCode.FAILED.value());
    assertThat(lines.get(1).path("detail").asText()).isEqualTo("broke");
  }

  @Test
  void withoutALogThatCanBeWrittenNothingIsBegun() throws IOException {
    Files.createDirectories(state.resolve(AuditTrail.LOG)); // a directory where the log should be

    assertThatThrownBy(
            () ->
                AuditedOperation.run(
                    settings,
                    "apply",
                    "web",
                    List.of(),
                    operation -> {
                      throw new AssertionError("begun");
                    }))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> assertThat(e.refusal()).isInstanceOf(HostRefusal.AuditNotWritable.class));
  }

  @Test
  void aLogThatGoesWhileTheOperationRunsIsTold() {
    assertThatThrownBy(
            () ->
                AuditedOperation.run(
                    settings,
                    "apply",
                    "web",
                    List.of(),
                    operation -> {
                      replaceByDirectory(state.resolve(AuditTrail.LOG));
                      operation.done("applied", ExitCode.OK);
                      return "";
                    }))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> assertThat(e.refusal()).isInstanceOf(HostRefusal.RecordIncomplete.class))
        .hasMessageContaining("apply is over (applied)");
  }

  @Test
  void anOperationWhoseProcessDiedIsRecordedByTheNext() throws IOException {
    Path begun = Files.createDirectories(state.resolve("audit.begun"));
    Files.writeString(
        begun.resolve("pid-0-1.begun"), "{\"operation\":\"revert\",\"guest\":{\"name\":\"web\"}}");
    Files.writeString(begun.resolve("pid-0-2.begun"), "{\"opera");
    assertThat(new CheckAudit(settings).run(Optional.empty()).notes())
        .anySatisfy(note -> assertThat(note).startsWith("2 operations died"));

    AuditedOperation.run(settings, "apply", "web", List.of(), operation -> "");

    List<ObjectNode> lines = new AuditTrail(state).read().lines();
    assertThat(lines)
        .extracting(line -> line.path("operation").asText() + " " + line.path("outcome").asText())
        .containsExactly("revert died", "unknown died", "apply ");
    assertThat(begun).isEmptyDirectory();
    assertThat(new CheckAudit(settings).run(Optional.empty()).sound()).isTrue();
    assertThat(new ShowAudit(settings).run(Optional.of("web"), 9).lines()).hasSize(2);
    assertThat(new ShowAudit(settings).run(Optional.empty(), 1).lines())
        .singleElement()
        .extracting(ShowAudit.Line::number)
        .isEqualTo(3L);
  }

  @Test
  void aCopyIsCheckedWithItsHead() throws IOException {
    new AuditTrail(state).append(Map.of("operation", "apply"));
    Path copy = folder.resolve("copy.jsonl");
    Files.copy(state.resolve(AuditTrail.LOG), copy);
    assertThat(new CheckAudit(settings).run(Optional.of(copy)).problems())
        .singleElement()
        .asString()
        .contains("no head");

    Files.copy(state.resolve(AuditTrail.HEAD), folder.resolve("copy.head"));
    assertThat(new CheckAudit(settings).run(Optional.of(copy)).sound()).isTrue();
    assertThatThrownBy(
            () -> new CheckAudit(settings).run(Optional.of(folder.resolve("nothing.jsonl"))))
        .isInstanceOf(RefusedException.class);
  }

  private void run(RuntimeException failure) {
    AuditedOperation.run(
        settings,
        "revert",
        "web",
        List.of(),
        operation -> {
          throw failure;
        });
  }

  private ObjectNode onlyLine() throws IOException {
    AuditChain.Findings found = new AuditTrail(state).read();
    assertThat(found.problems()).isEmpty();
    assertThat(found.lines()).hasSize(1);
    return found.lines().get(0);
  }

  private static void replaceByDirectory(Path file) {
    try {
      Files.delete(file);
      Files.createDirectory(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
