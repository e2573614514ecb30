package org.lucos.bridge.domain;

import java.util.List;

/** A connection to a hypervisor, through which its guests are got hold of. */
public interface GuestHost extends AutoCloseable {

  /**
   * Gets hold of a running domain; the guest is not disturbed. The domain may outlive neither this
   * object nor its own {@code close()}.
   *
   * @param nameUuidOrId looked up in this order
   * @throws DomainRefusedException if there is none, or none that can be worked on
   */
  GuestDomain attach(String nameUuidOrId);

  /** The domains that are active now, in the order of their ids; paused ones are among them. */
  List<DomainIdentity> running();

  /** Ends the connection; guests run on. */
  @Override
  void close();
}
