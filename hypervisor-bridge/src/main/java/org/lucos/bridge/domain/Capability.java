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
   * Code written past the hypervisor, with {@link GuestDomain#writeUnreachable}, is what stopped
   * vCPUs run next. Where guest code is translated, it is not: the old translation may be run.
   */
  DIRECT_TEXT_WRITES;

  /** The name in reports, in kebab-case. */
  public String code() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
