package org.lucos.patcher.refusal;

import com.google.common.base.CaseFormat;
import java.util.List;

/**
 * A request that is declined, with its reason. Nothing was changed, or everything was put back,
 * unless a refusal says otherwise. Refusals are part of the interface: the code and the exit code
 * are stable. A family of them is one interface and shares an exit code, unless a refusal says
 * otherwise.
 */
public sealed interface Refusal
    permits GuestRefusal,
        FitRefusal,
        BusyRefusal,
        StateRefusal,
        ChangeRefusal,
        InputRefusal,
        TrustRefusal,
        HealthRefusal,
        HostRefusal {

  /** A stable name for scripts, in kebab-case. */
  default String code() {
    return CaseFormat.UPPER_CAMEL.to(CaseFormat.LOWER_HYPHEN, getClass().getSimpleName());
  }

  /** What the command returns. */
  ExitCode exitCode();

  /** One sentence: what is the matter. */
  String message();

  /** One sentence: what to do. */
  String remedy();

  /** What more there is to know, one line each for people and an object each for scripts. */
  default List<? extends Record> details() {
    return List.of();
  }
}
