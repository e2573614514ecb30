package org.lucos.patcher.transaction;

/** What a patch is in a guest, as the guest's own memory tells. */
public enum PatchState {
  /** Its module is in guest memory, none of its redirects is. */
  LOADED,
  /** Reverted; its memory stays because the kernel may hold on to addresses in it. */
  RETAINED,
  /** All of its redirects are in place. */
  APPLIED,
  /** A module that it patches is no longer loaded, or was loaded anew. */
  ORPHANED,
  /** Some redirects are in place and some are not, or a site holds something else. */
  FAILED
}
