package org.lucos.tests.live;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.libvirt.Hypervisor;

/**
 * The real hypervisor; something happens in the guest when all has been looked at for a pause and
 * the guest has not been stopped yet.
 */
final class LastMoment implements GuestHost {
  private final GuestHost real;
  private final String purpose;
  private final Runnable event;
  private final AtomicInteger happened;

  /**
   * @param purpose of the pauses before which it happens
   * @param happened counts how often it did
   */
  LastMoment(String connection, String purpose, Runnable event, AtomicInteger happened) {
    this.real = Hypervisor.open(connection);
    this.purpose = purpose;
    this.event = event;
    this.happened = happened;
  }

  @Override
  public GuestDomain attach(String nameUuidOrId) {
    GuestDomain domain = real.attach(nameUuidOrId);
    return (GuestDomain)
        Proxy.newProxyInstance(
            GuestDomain.class.getClassLoader(),
            new Class<?>[] {GuestDomain.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("pause")
                  && arguments.length == 2
                  && arguments[0].equals(purpose)) {
                Runnable lastLook = (Runnable) arguments[1];
                arguments[1] = (Runnable) () -> after(lastLook);
              }
              try {
                return method.invoke(domain, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Override
  public List<DomainIdentity> running() {
    return real.running();
  }

  private void after(Runnable lastLook) {
    lastLook.run();
    event.run();
    happened.incrementAndGet();
  }

  @Override
  public void close() {
    real.close();
  }
}
