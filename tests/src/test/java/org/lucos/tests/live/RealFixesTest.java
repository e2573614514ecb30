package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Real fixes that the oldest kernels on offer lack, seen by a program in the guest, under load. A
 * few of them; all with {@code -Dlucos.fixes=all}.
 */
@Contract
class RealFixesTest {
  private static final Logger LOG = LoggerFactory.getLogger(RealFixesTest.class);

  @Test
  void fixesTakeEffectTogetherUnderLoadAndGoAgain() {
    takeEffectAndGoAgain("6.1");
  }

  @Test
  @Tag(Contract.CORE)
  void fixesOfTheNewerKernelTakeEffectUnderLoadAndGoAgain() {
    takeEffectAndGoAgain("6.12");
  }

  private static void takeEffectAndGoAgain(String series) {
    boolean all = "all".equals(System.getProperty("lucos.fixes"));
    RealFix.Shelf shelf = all ? RealFix.all(series) : RealFix.sample(series);
    List<RealFix> fixes = shelf.fixes();
    try (TestGuest guest = TestGuest.boot(shelf.guest())) {
      Operator operator = new Operator(guest);
      List<String> functions = new ArrayList<>();
      for (RealFix fix : fixes) {
        fix.assertFlawed(guest);
        operator
            .plan(operator.bundle(fix.name()))
            .functions()
            .forEach(f -> functions.add(f.name()));
      }
      Map<String, String> before = operator.text(functions);
      guest.markKernelLog();
      guest.run("syscall_load 2 3600 >/dev/null 2>&1 & echo $! >/tmp/load.pid");
      for (RealFix fix : fixes) {
        ApplyPatch.Outcome outcome = operator.apply(fix.name());
        LOG.info("{}: {} ms paused", fix.name(), outcome.pauseMilliseconds());
        fix.assertFixed(guest);
      }
      operator.assertSound(fixes.size());
      assertThat(operator.text(functions)).isNotEqualTo(before);
      fixes.forEach(fix -> fix.assertFixed(guest));
      for (RealFix fix : fixes) {
        operator.revert(fix.name());
        fix.assertFlawed(guest);
      }
      guest.run("kill $(cat /tmp/load.pid)");
      assertThat(operator.modules()).isEmpty();
      assertThat(operator.text(functions)).isEqualTo(before);
      guest.assertNoKernelWarnings();
    }
  }
}
