package org.lucos.tests.guest;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Gives {@link Guest} parameters their guest; JUnit closes all of them after the last test. */
final class SharedGuests implements ParameterResolver {
  private static final ExtensionContext.Namespace GUESTS =
      ExtensionContext.Namespace.create(SharedGuests.class);

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.isAnnotated(Guest.class)
        && parameter.getParameter().getType() == TestGuest.class;
  }

  @Override
  public TestGuest resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Guest wanted = parameter.findAnnotation(Guest.class).orElseThrow();
    GuestSpec spec =
        GuestSpec.of(wanted.flavour(), wanted.series())
            .withImage(wanted.image())
            .withVcpus(wanted.vcpus())
            .withVcpusInTurn(wanted.inTurn())
            .withMemoryMib(wanted.memoryMib());
    ExtensionContext.Store store = context.getRoot().getStore(GUESTS);
    TestGuest guest = store.computeIfAbsent(spec, TestGuest::boot, TestGuest.class);
    if (!guest.isUsable()) {
      // A test has ended or broken it: that test has failed already, the others get a new one.
      guest.close();
      store.remove(spec);
      guest = store.computeIfAbsent(spec, TestGuest::boot, TestGuest.class);
    }
    return guest;
  }
}
