package org.lucos.tests.kernel;

import org.junit.jupiter.api.Nested;

class KernelAgainstGuestTest {
  @Nested
  class Cloud61 extends KernelAgainstGuest {
    Cloud61() {
      super("cloud-amd64", "6.1");
    }
  }

  @Nested
  class Cloud612 extends KernelAgainstGuest {
    Cloud612() {
      super("cloud-amd64", "6.12");
    }
  }

  @Nested
  class Generic61 extends KernelAgainstGuest {
    Generic61() {
      super("amd64", "6.1");
    }
  }
}
