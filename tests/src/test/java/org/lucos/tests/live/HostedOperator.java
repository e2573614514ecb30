package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.lucos.tests.guest.HostedGuest;

/**
 * Applies and reverts one patch in a guest, by the command on the host where the guest is just now.
 */
record HostedOperator(HostedGuest guest, Mechanism patch) {
  private static final String MAX_PAUSE = "--max-pause=5s";

  Path bundle() {
    return Bundles.of(patch.recipe(), guest.release());
  }

  HostLucos.Running startApply(String... more) {
    return start("apply", bundle().toString(), more);
  }

  HostLucos.Answer apply() {
    return startApply().end();
  }

  HostLucos.Running startRevert(String... more) {
    return start("revert", patch.recipe(), more);
  }

  HostLucos.Answer revert() {
    return startRevert().end();
  }

  HostLucos.Running start(boolean apply) {
    return apply ? startApply() : startRevert();
  }

  /** A command about the guest, such as {@code status}. */
  HostLucos.Answer ask(String command) {
    return HostLucos.run(guest.host(), command, guest.name());
  }

  /** The states of its patches. */
  List<String> states() {
    return states(ask("status"));
  }

  static List<String> states(HostLucos.Answer status) {
    status.assertOk();
    return status.json().findValues("patches").get(0).findValuesAsText("state").stream()
        .filter(state -> !state.equals("redirected") && !state.equals("original"))
        .toList();
  }

  /** What {@code recover} says that it has found and done. */
  String recover() {
    HostLucos.Answer recovered = ask("recover");
    recovered.assertOk();
    return recovered.json().at("/result/finding").asText();
  }

  /** Whether a program in the guest meets the patched function. */
  boolean isSeen() {
    return guest.run(patch.command()).matches(patch.answer());
  }

  /** The guest itself, its modules and {@code verify} say so. */
  void assertApplied(boolean applied) {
    assertThat(isSeen()).isEqualTo(applied);
    assertThat(guest.modules()).hasSize(applied ? 1 : 0);
    HostLucos.Answer verified = ask("verify");
    verified.assertOk();
    assertThat(verified.json().at("/result/patches").asInt()).isEqualTo(applied ? 1 : 0);
  }

  /** Patient, unless {@code more} says otherwise. */
  private HostLucos.Running start(String command, String what, String... more) {
    List<String> arguments = new ArrayList<>(List.of(command, guest.name(), what, MAX_PAUSE));
    if (Stream.of(more).noneMatch(option -> option.startsWith("--timeout"))) {
      arguments.add("--timeout=60s");
    }
    arguments.addAll(List.of(more));
    return HostLucos.start(guest.host(), arguments.toArray(String[]::new));
  }
}
