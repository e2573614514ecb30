package org.lucos.patcher.link;

import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;

/** Who has changed the running kernel's text since it booted, as far as that is on record. */
interface LiveText {

  /** Probes in a range of code, in address order. */
  List<LiveChange> probes(AddressRange range);

  /** The function's own bytes where a patch of ours has put its jump, if they are on record. */
  default Optional<Bytes> own(GuestVirtualAddress site) {
    return Optional.empty();
  }

  /** What code at an address belongs to: the name of a patch module, or an empty text. */
  String patchModule(GuestVirtualAddress address);
}
