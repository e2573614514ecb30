package org.lucos.bridge.domain;

import java.util.Locale;

/** What not every hypervisor can do for a controller. What is not here every one must do. */
public enum Capability {
  /** What is written within a pause goes with the guest in a live migration that begins later. */
  DIRTY_TRACKING,

  /** It tells of a migration, save or dump that goes on, and pauses are refused meanwhile. */
  MIGRATION_REPORTS,

  /** One controller at a time: a pause is refused while another one can pause the guest. */
  EXCLUSIVE_CONTROL,

  /**
   * A controller that hangs is thrown out when its silence limit is over, and another one can take
   * the guest. Where it cannot be, the guest runs again all the same, but nobody else can pause it
   * until the controller has ended.
   */
  HUNG_CONTROLLER_EXPULSION,

  /**
   * Code written past the hypervisor, with {@link GuestDomain#writeUnreachable}, is what stopped
   * vCPUs run next. Where guest code is translated, it is not: the old translation may be run.
   */
  DIRECT_TEXT_WRITES;

  /** The name in reports, in kebab-case. */
  public String code() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
