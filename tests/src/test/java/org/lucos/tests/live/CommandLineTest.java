package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.tests.live.CommandLine.lucos;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;
import org.lucos.tests.live.CommandLine.Answer;

/** The command as scripts use it: exit codes and JSON. */
class CommandLineTest {
  private static final Mechanism PATCH = Mechanism.CMDLINE;

  @TempDir private Path folder;

  @Test
  void commandsTellScriptsHowTheyEnded(@Guest TestGuest guest) throws Exception {
    String bundle = new Operator(guest).bundle(PATCH.recipe()).toString();
    String name = guest.name();

    Answer plan = lucos("plan", name, bundle);
    assertThat(plan.exit()).isEqualTo(ExitCode.OK.value());
    assertThat(plan.json().findValue("text").asText()).contains(PATCH.function());
    PATCH.assertNotSeen(guest);

    assertImmediateOnlyIfPromised(guest, bundle);

    Answer applied = lucos("apply", name, bundle, "--timeout=60s", "--max-pause=5s");
    assertThat(applied.exit()).isEqualTo(ExitCode.OK.value());
    assertThat(applied.json().findValue("patch").asText()).isEqualTo(PATCH.recipe());
    PATCH.assertSeen(guest);

    Answer again = lucos("apply", name, bundle);
    assertThat(again.exit()).isEqualTo(ExitCode.WRONG_STATE.value());
    assertThat(again.json().at("/error/code").asText()).isEqualTo("already-applied");
    assertThat(again.json().at("/error/exitCode").asInt()).isEqualTo(again.exit());

    Answer status = lucos("status", name);
    assertThat(status.exit()).isEqualTo(ExitCode.OK.value());
    assertThat(status.json().findValue("state").asText()).isEqualTo("applied");
    assertThat(lucos("verify", name).exit()).isEqualTo(ExitCode.OK.value());
    assertThat(lucos("blocking", name, PATCH.recipe()).exit()).isEqualTo(ExitCode.OK.value());
    Answer blocking = lucos("blocking", name, "do_syscall_64");
    assertThat(blocking.exit()).isEqualTo(ExitCode.BUSY.value());
    assertThat(blocking.json().at("/result/inside/0/function").asText()).isEqualTo("do_syscall_64");

    Answer reverted = lucos("revert", name, PATCH.recipe(), "--timeout=60s", "--max-pause=5s");
    assertThat(reverted.exit()).isEqualTo(ExitCode.OK.value());
    PATCH.assertNotSeen(guest);
    assertThat(lucos("revert", name, PATCH.recipe()).exit())
        .isEqualTo(ExitCode.WRONG_STATE.value());
    assertThat(lucos("apply", "lucos-no-such-guest", bundle).exit())
        .isEqualTo(ExitCode.GUEST_UNAVAILABLE.value());
    assertThat(lucos("apply", name, "/nonexistent").exit()).isEqualTo(ExitCode.BAD_INPUT.value());

    assertRecorded(name);
  }

  private void assertImmediateOnlyIfPromised(TestGuest guest, String bundle) throws Exception {
    Answer refused = lucos("apply", guest.name(), bundle, "--immediate");
    assertThat(refused.exit()).isEqualTo(ExitCode.DOES_NOT_FIT.value());
    assertThat(refused.json().at("/error/code").asText()).isEqualTo("not-immediate");
    assertThat(lucos("inspect", bundle).json().at("/result/immediateSafe").asBoolean()).isFalse();

    String edit =
        Bundles.settings().recipes().resolve("mechanism/" + PATCH.recipe() + ".edit").toString();
    String promised = folder.resolve("promised.lucos").toString();
    Answer built =
        lucos(
            "build",
            "--edit",
            edit,
            "--kernel",
            guest.release(),
            "--immediate-safe",
            "-o",
            promised);
    assertThat(built.exit()).as(built.json().toString()).isEqualTo(ExitCode.OK.value());
    assertThat(lucos("inspect", promised).json().at("/result/immediateSafe").asBoolean()).isTrue();
    List<String> limits = List.of("--timeout=60s", "--max-pause=5s");
    Answer applied =
        lucos(
            "apply",
            guest.name(),
            promised,
            "--immediate",
            "--allow-unsigned",
            limits.get(0),
            limits.get(1));
    assertThat(applied.exit()).isEqualTo(ExitCode.OK.value());
    assertThat(applied.json().at("/result/draining").isArray()).isTrue();
    PATCH.assertSeen(guest);
    assertThat(lucos("revert", guest.name(), PATCH.recipe(), limits.get(0), limits.get(1)).exit())
        .isEqualTo(ExitCode.OK.value());
  }

  private static void assertRecorded(String name) throws Exception {
    assertThat(lucos("audit", "verify").exit()).isEqualTo(ExitCode.OK.value());
    JsonNode lines = lucos("audit", "show", "--guest", name, "--last=5").json().at("/result/lines");
    assertThat(lines.findValuesAsText("operation"))
        .filteredOn(operation -> !operation.isEmpty())
        .containsOnly("apply", "revert");
    List<Integer> codes = new ArrayList<>();
    lines.forEach(line -> codes.add(line.path("exitCode").asInt()));
    assertThat(codes)
        .containsExactly(
            ExitCode.OK.value(),
            ExitCode.WRONG_STATE.value(),
            ExitCode.OK.value(),
            ExitCode.WRONG_STATE.value(),
            ExitCode.BAD_INPUT.value());
    JsonNode applied = lines.path(0).path("record");
    assertThat(applied.path("outcome").asText()).isEqualTo("applied");
    assertThat(applied.at("/guest/buildId").asText()).isNotEmpty();
    assertThat(applied.at("/bundles/0/sha256").asText()).hasSize(64);
    assertThat(applied.at("/patches/0/patch").asText()).isEqualTo(PATCH.recipe());
    assertThat(applied.at("/patches/0/keys/0").asText()).isNotEmpty();
    assertThat(applied.path("tasksChecked").asInt()).isGreaterThan(10);
    assertThat(applied.path("pauseMilliseconds").asDouble()).isPositive();
    assertThat(lines.path(1).path("outcome").asText()).isEqualTo("already-applied");
  }
}
