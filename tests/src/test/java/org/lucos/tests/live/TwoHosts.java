package org.lucos.tests.live;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.lucos.tests.guest.GuestHost;

/**
 * Two libvirt hosts for all tests of a run; JUnit closes them after the last one.
 *
 * @param here where guests begin
 * @param there where they may go
 */
record TwoHosts(GuestHost here, GuestHost there) implements AutoCloseable {

  /** Gives parameters of this type their value. */
  static final class Resolver implements ParameterResolver {
    private static final ExtensionContext.Namespace HOSTS =
        ExtensionContext.Namespace.create(TwoHosts.class);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == TwoHosts.class;
    }

    @Override
    public TwoHosts resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return context
          .getRoot()
          .getStore(HOSTS)
          .computeIfAbsent(
              TwoHosts.class,
              key -> new TwoHosts(GuestHost.start(), GuestHost.start()),
              TwoHosts.class);
    }
  }

  @Override
  public void close() {
    try (here) {
      there.close();
    }
  }
}
