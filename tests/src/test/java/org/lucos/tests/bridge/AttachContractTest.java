package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.tests.bridge.AttachTest.refusal;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;

/** Getting hold of a guest, under every hypervisor. */
@Contract
class AttachContractTest {
  private final GuestHost host = Place.current().open();

  @AfterEach
  void disconnect() {
    host.close();
  }

  @Test
  void domainIsFoundByNameUuidAndId(@Guest TestGuest guest) {
    DomainIdentity identity;
    try (GuestDomain domain = host.attach(guest.name())) {
      identity = domain.identity();
    }
    assertThat(identity.name()).isEqualTo(guest.name());
    for (String key :
        List.of(identity.name(), identity.uuid().toString(), Integer.toString(identity.id()))) {
      try (GuestDomain domain = host.attach(key)) {
        assertThat(domain.identity()).isEqualTo(identity);
        assertThat(domain.state()).isEqualTo(DomainState.RUNNING);
        assertThat(domain.facts().vcpus()).isEqualTo(guest.spec().machine().vcpus());
        assertThat(domain.facts().hypervisor()).startsWith(Place.current().hypervisor());
        assertThat(domain.facts().accelerator())
            .isNotEmpty()
            .startsWith(Place.current().accelerator());
        assertThat(domain.facts().memoryBytes() >> 20)
            .isBetween(
                (long) guest.spec().machine().memoryMib() - 1,
                (long) guest.spec().machine().memoryMib());
        domain
            .facts()
            .processId()
            .ifPresent(process -> assertThat(ProcessHandle.of(process)).isPresent());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"no-such-guest", "ffffffff-0000-4000-8000-000000000000", "999999999", "", "-"})
  void domainThatIsNotThereIsRefused(String name) {
    assertThat(refusal(() -> host.attach(name))).isEqualTo(new DomainRefusal.NotFound(name));
  }
}
