package org.lucos.bridge.xen;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Finds the channels of a domain ({@code channel=} of {@code xl.cfg}): consoles beside the first
 * one, with a name, that a QEMU in this host serves. What is read is the backend's part of
 * XenStore, which the guest cannot write.
 */
final class XenChannels {
  private XenChannels() {}

  /**
   * The socket of the channel with a name.
   *
   * @param id the domain's
   * @return empty if the domain has none of this name that is connected to a socket
   * @throws IOException if XenStore does not answer as it should
   */
  static Optional<Path> socket(XenStore store, int id, String name) throws IOException {
    String consoles = "/local/domain/0/backend/console/" + id;
    for (String device : store.list(consoles)) {
      String console = consoles + "/" + device;
      if (store.read(console + "/name").filter(name::equals).isPresent()
          && store.read(console + "/connection").filter("socket"::equals).isPresent()) {
        return store.read(console + "/path").filter(path -> path.startsWith("/")).map(Path::of);
      }
    }
    return Optional.empty();
  }
}
