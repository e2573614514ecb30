package org.lucos.bridge.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrivilegeTest {
  @ParameterizedTest
  @CsvSource({
    "000001ffffffffff, ",
    "0000000000080002, ",
    "0000000000080000, CAP_DAC_OVERRIDE",
    "00000000a80425fb, CAP_SYS_PTRACE",
    "0000000000000000, CAP_DAC_OVERRIDE CAP_SYS_PTRACE"
  })
  void whatIsNotAmongTheCapabilitiesInEffectIsMissing(String held, String missing)
      throws IOException {
    List<String> status = List.of("Name:\tjava", "CapPrm:\t000001ffffffffff", "CapEff:\t" + held);
    assertThat(Privilege.missing(status).stream().map(Privilege::name))
        .containsExactly(missing == null ? new String[0] : missing.split(" "));
  }

  @Test
  void thisProcessIsLookedAt() throws IOException {
    assertThat(Privilege.values()).containsAll(Privilege.missing());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "CapEff:", "CapEff:\tall"})
  void whatIsNotUnderstoodIsNotTakenForAnything(String line) {
    assertThatThrownBy(() -> Privilege.missing(List.of(line))).isInstanceOf(IOException.class);
  }
}
