package org.lucos.patcher.link;

import java.util.List;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;

/** Who has changed the running kernel's text since it booted, as far as that is on record. */
interface LiveText {

  /** Probes in a range of code, in address order. */
  List<LiveChange> probes(AddressRange range);

  /** What code at an address belongs to: the name of a patch module, or an empty text. */
  String patchModule(GuestVirtualAddress address);
}
