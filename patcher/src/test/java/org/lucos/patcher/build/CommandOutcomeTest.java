package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CommandOutcomeTest {
  @Test
  void theFirstErrorsAreToldNotTheirConsequences() {
    String said =
        """
        a.c: In function 'f':
        a.c:3:1: error: 'x' undeclared
           3 | x
        a.c:9:1: error: 'y' undeclared
        cc1: some warnings being treated as errors
        """;

    assertThat(new CommandOutcome(1, "", said).errorLines(1))
        .isEqualTo("a.c:3:1: error: 'x' undeclared");
    assertThat(new CommandOutcome(1, "", "make: no rule\nmake: stop\n").errorLines(1))
        .isEqualTo("make: stop");
  }
}
