package org.lucos.tests.link;

import org.junit.jupiter.api.BeforeAll;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;

/** Linking in a guest with kernel 6.1 of flavour amd64. */
class LinkOnAmd64Test extends LinkContract {
  @BeforeAll
  void boot(@Guest(series = "6.1", flavour = "amd64") TestGuest guest) {
    use(guest);
  }
}
