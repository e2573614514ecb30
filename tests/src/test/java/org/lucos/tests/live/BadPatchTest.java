package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.lucos.patcher.app.ShowAudit;
import org.lucos.patcher.app.ShowLog;
import org.lucos.patcher.app.SoakedApply;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.HealthRefusal;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/**
 * Bad patches are found out from outside and taken back. In a guest of its own: it is not the same
 * afterwards.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class BadPatchTest {
  /** Far longer than it takes: a watch ends with the first thing that speaks against the patch. */
  private static final Duration LONG = Duration.ofMinutes(2);

  private final TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.1").withVcpus(2));
  private final Operator operator = new Operator(guest);

  @BeforeAll
  void begin() {
    guest.markKernelLog();
  }

  @AfterAll
  void end() {
    guest.close();
  }

  private SoakedApply.Outcome soak(String recipe, Duration time, boolean autoRevert) {
    return operator.apply(
        operator.bundle(recipe),
        new SoakedApply.Soak(time, Duration.ofSeconds(3), autoRevert),
        false);
  }

  /** Calls what is patched, again and again, until the file is gone. */
  private void use(String command) {
    guest.run(
        "touch /tmp/soak; while [ -e /tmp/soak ]; do "
            + command
            + "; sleep 1; done >/dev/null 2>&1 &");
  }

  private void stopUsing() {
    guest.run("rm /tmp/soak; hostname quick");
  }

  private HealthRefusal.UnhealthyReverted reverted(String recipe) {
    operator.bundle(recipe); // built before the clock runs
    HealthRefusal.UnhealthyReverted refusal =
        Operator.refusal(HealthRefusal.UnhealthyReverted.class, () -> soak(recipe, LONG, true));
    System.out.printf(
        "%s: seen %.0f ms, reverted %.0f ms after it was applied: %s%n",
        recipe,
        refusal.seenAfterMilliseconds(),
        refusal.revertedAfterMilliseconds(),
        refusal.reason());
    assertThat(refusal.exitCode()).isEqualTo(ExitCode.UNHEALTHY);
    refusal.symptoms().forEach(System.out::println);
    assertThat(refusal.patches()).containsExactly(recipe);
    return refusal;
  }

  @Test
  @Order(1)
  void aGoodPatchStaysAndTheGuestIsHealthy() {
    SoakedApply.Outcome outcome = soak(Mechanism.VERSION.recipe(), Duration.ofSeconds(2), true);
    assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(outcome.health())
        .hasValueSatisfying(
            health -> {
              assertThat(health.symptoms()).isEmpty();
              assertThat(health.looks()).isGreaterThan(1);
              assertThat(health.watchedMilliseconds()).isGreaterThanOrEqualTo(2000);
            });
    Mechanism.VERSION.assertSeen(guest);
    operator.revert(Mechanism.VERSION.recipe());
    operator.assertSound(0);
  }

  @Test
  @Order(2)
  void aPatchThatWarnsIsReportedOnlyIfThatIsAskedFor() {
    use("hostname warn");
    SoakedApply.Outcome outcome = soak(Mechanism.HOSTNAME.recipe(), LONG, false);
    stopUsing();
    assertThat(outcome.exitCode()).isEqualTo(ExitCode.UNHEALTHY);
    assertThat(outcome.health().orElseThrow().healthy()).isFalse();
    assertThat(operator.patches())
        .singleElement()
        .satisfies(patch -> assertThat(patch.state()).isEqualTo("applied"));
    operator.revert(Mechanism.HOSTNAME.recipe());
  }

  @Test
  @Order(3)
  void aPatchThatWarnsIsReverted() {
    use("hostname warn");
    HealthRefusal.UnhealthyReverted refusal = reverted(Mechanism.HOSTNAME.recipe());
    stopUsing();
    assertThat(refusal.inside()).isEmpty();
    assertThat(refusal.symptoms())
        .filteredOn(symptom -> symptom.kind().equals("warn"))
        .isNotEmpty()
        .allSatisfy(
            symptom -> {
              assertThat(symptom.where()).isEqualTo("inside");
              assertThat(symptom.function()).contains("sethostname", "[lucos_");
              assertThat(symptom.text()).contains("the host is called warn");
              assertThat(symptom.evidence()).anyMatch(line -> line.startsWith("RIP: 0010:"));
            });
    operator.assertSound(0);
    guest.markKernelLog();
    guest.run("hostname warn; hostname quick");
    guest.assertNoKernelWarnings();

    JsonNode record = lastRecordOf("soak");
    assertThat(record.path("outcome").asText()).isEqualTo("unhealthy-reverted");
    assertThat(record.path("exitCode").asInt()).isEqualTo(ExitCode.UNHEALTHY.value());
    assertThat(record.at("/health/symptoms/0/kind").asText()).isEqualTo("warn");
    assertThat(lastRecordOf("revert").path("outcome").asText()).isEqualTo("reverted");

    ShowLog.Outcome log =
        new ShowLog(operator.settings())
            .run(new ShowLog.Request(guest.name(), 0, Set.of(), Optional.empty()), m -> {});
    assertThat(log.troubles()).anyMatch(trouble -> trouble.kind().equals("warn"));
    assertThat(log.condition().taint()).contains("W", "O", "E");
  }

  private JsonNode lastRecordOf(String operation) {
    return new ShowAudit(operator.settings())
        .run(Optional.of(guest.name()), 20).lines().stream()
            .map(ShowAudit.Line::record)
            .filter(record -> record.path("operation").asText().equals(operation))
            .reduce((before, last) -> last)
            .orElseThrow();
  }

  @Test
  @Order(4)
  void aPatchThatHangsATaskIsRevertedAndTheTaskIsTold() {
    String recipe = "sethostname-hangs";
    use("(hostname fifteen-letters &)");
    HealthRefusal.UnhealthyReverted refusal = reverted(recipe);
    stopUsing();
    assertThat(refusal.symptoms())
        .filteredOn(symptom -> symptom.kind().equals("stuck-task"))
        .isNotEmpty()
        .first()
        .satisfies(
            symptom -> {
              assertThat(symptom.where()).isEqualTo("inside");
              assertThat(symptom.text()).contains("hostname (pid ");
            });
    assertThat(refusal.inside()).isNotEmpty();
    assertThat(refusal.message()).contains("still inside, so its memory stays");
    assertThat(operator.patches())
        .singleElement()
        .satisfies(patch -> assertThat(patch.state()).isEqualTo("retained"));
    operator.assertSound(1);

    guest.run("while grep -qs fiftee[n] /proc/[0-9]*/cmdline; do sleep 0.5; done");
    assertThat(operator.revert(recipe).patches().get(0).unloaded()).isTrue();
    operator.assertSound(0);
    assertThat(operator.modules()).isEmpty();
  }

  @Test
  @Order(5)
  void aPatchThatOopsesInProcessContextIsReverted() {
    String recipe = "sethostname-oopses";
    use("hostname fourteen-bytes");
    HealthRefusal.UnhealthyReverted refusal = reverted(recipe);
    stopUsing();
    assertThat(refusal.symptoms())
        .filteredOn(symptom -> symptom.kind().equals("oops"))
        .isNotEmpty()
        .allSatisfy(
            symptom -> {
              assertThat(symptom.where()).isEqualTo("inside");
              assertThat(symptom.function()).contains("sethostname");
            });
    assertThat(refusal.symptoms()).anyMatch(symptom -> symptom.kind().equals("taint"));
    operator.assertSound(0);
    guest.markKernelLog();
    assertThat(guest.run("hostname fourteen-bytes; hostname")).isEqualTo("fourteen-bytes");
    guest.assertNoKernelWarnings();
  }

  @Test
  @Order(6)
  void aGuestThatEndsWhileItIsWatchedIsNotCalledWell() throws Exception {
    Mechanism mechanism = Mechanism.VERSION;
    operator.bundle(mechanism.recipe());
    CompletableFuture<HealthRefusal> refused =
        CompletableFuture.supplyAsync(
            () ->
                Operator.refusal(HealthRefusal.class, () -> soak(mechanism.recipe(), LONG, true)));
    for (int i = 0; i < 600 && !guest.run(mechanism.command()).matches(mechanism.answer()); i++) {
      Thread.sleep(100);
    }
    mechanism.assertSeen(guest);
    Thread.sleep(1000); // the apply ends, and the watch begins
    guest.close();

    HealthRefusal refusal = refused.get(2, TimeUnit.MINUTES);
    System.out.println(refusal.message());
    assertThat(refusal.exitCode()).isEqualTo(ExitCode.UNHEALTHY);
    assertThat(refusal.message()).contains(mechanism.recipe());
    assertThat(refusal.remedy()).isNotEmpty();
  }
}
