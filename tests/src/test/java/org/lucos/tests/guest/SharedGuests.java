package org.lucos.tests.guest;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives {@link Guest} parameters their guest; JUnit closes all of them after the last test. A guest
 * with which a test has failed is not given to another.
 */
final class SharedGuests implements ParameterResolver, AfterTestExecutionCallback {
  private static final String GIVEN = "given";

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
    given(context).add(guest);
    return guest;
  }

  @Override
  public void afterTestExecution(ExtensionContext context) {
    if (context.getExecutionException().isPresent()) {
      given(context).forEach(TestGuest::spoil);
    }
  }

  /** The guests a test or its class was given; a test sees its class's, too. */
  @SuppressWarnings("unchecked")
  private static List<TestGuest> given(ExtensionContext context) {
    return context
        .getStore(GUESTS)
        .computeIfAbsent(GIVEN, name -> new CopyOnWriteArrayList<TestGuest>(), List.class);
  }
}
