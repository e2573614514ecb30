package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.tests.guest.GuestHost;
import org.lucos.tests.guest.HostedGuest;

/** A user who is not root, but may use libvirt. */
class PrivilegesTest {
  private static final String NOBODY = "65534";
  private static final String MAX_PAUSE = "--max-pause=5s";

  @Test
  void userWithTwoCapabilitiesPatchesAsRootDoesAndOneWithoutIsToldOfThem() {
    try (GuestHost host = GuestHost.start();
        HostedGuest guest = host.boot("lucos-user")) {
      // The other one, too, or it could not read the program in root's home.
      List<String> half = user("+dac_override");
      assertPrivileges(HostLucos.runThrough(host, half, "doctor"), "CAP_SYS_PTRACE");
      HostLucos.runThrough(host, half, "status", guest.name()).assertRefused("no-permission");
      List<String> other = List.of("setpriv", "--bounding-set=-dac_override");
      assertPrivileges(HostLucos.runThrough(host, other, "doctor"), "CAP_DAC_OVERRIDE");

      List<String> user = user("+dac_override,+sys_ptrace");
      assertPrivileges(HostLucos.runThrough(host, user, "doctor", guest.name()), "");
      HostedOperator operator = new HostedOperator(guest, Mechanism.CMDLINE);
      HostLucos.runThrough(
              host, user, "apply", guest.name(), operator.bundle().toString(), MAX_PAUSE)
          .assertOk();
      operator.assertApplied(true);
      HostLucos.runThrough(host, user, "revert", guest.name(), operator.patch().recipe(), MAX_PAUSE)
          .assertOk();
      operator.assertApplied(false);
      assertThat(guest.troubles()).isEmpty();
    }
  }

  /** Group 0 is the one that may use this host's libvirt. */
  private static List<String> user(String capabilities) {
    return List.of(
        "setpriv",
        "--reuid=" + NOBODY,
        "--regid=0",
        "--clear-groups",
        "--inh-caps=-all," + capabilities,
        "--ambient-caps=-all," + capabilities);
  }

  private static void assertPrivileges(HostLucos.Answer doctor, String missing) {
    JsonNode check =
        Stream.of(doctor.json().at("/result/checks"))
            .flatMap(checks -> checks.findParents("name").stream())
            .filter(found -> found.path("name").asText().equals("privileges"))
            .findFirst()
            .orElseThrow();
    assertThat(check.path("verdict").asText())
        .as(doctor.json().toString())
        .isEqualTo(missing.isEmpty() ? "OK" : "MISSING");
    assertThat(check.path("remedy").asText()).contains(missing);
    for (String name : List.of("CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE")) {
      assertThat(check.path("detail").asText().contains(name)).isEqualTo(name.equals(missing));
    }
    assertThat(doctor.exit())
        .isEqualTo(missing.isEmpty() ? ExitCode.OK.value() : ExitCode.HOST_NOT_READY.value());
  }
}
