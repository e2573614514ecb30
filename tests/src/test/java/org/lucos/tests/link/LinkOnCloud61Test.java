package org.lucos.tests.link;

import org.junit.jupiter.api.BeforeAll;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;

/** Linking in a guest with kernel 6.1 of flavour cloud-amd64. */
class LinkOnCloud61Test extends LinkContract {
  @BeforeAll
  void boot(@Guest(series = "6.1", flavour = "cloud-amd64") TestGuest guest) {
    use(guest);
  }
}
