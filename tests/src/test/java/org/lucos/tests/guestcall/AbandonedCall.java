package org.lucos.tests.guestcall;

import java.nio.file.Path;
import java.time.Duration;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.guestcall.GuestProgram;
import org.lucos.patcher.guestcall.GuestProgram.Constant;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.tests.guest.Place;

/** A controller that is killed while its guest call is out; run as a process of its own. */
final class AbandonedCall {
  static final String HOOKED = "hooked";

  private AbandonedCall() {}

  public static void main(String[] arguments) {
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(arguments[0])) {
      RunningKernel kernel = RunningKernel.attach(domain, Path.of(arguments[1]));
      GuestCalls calls = GuestCalls.open(kernel);
      GuestProgram.Builder program = GuestProgram.named("wait");
      // Long enough to be killed in, in a function that a task may sleep in.
      program.call(kernel.symbols().address("msleep"), new Constant(3_000));
      Thread teller =
          new Thread(
              () -> {
                // Twice, apart: within the pause the watchdog would take the hooks back.
                awaitOpen(kernel);
                sleep(300);
                awaitOpen(kernel);
                System.out.println(HOOKED);
              });
      teller.setDaemon(true);
      teller.start();
      calls.call(program.build(), Duration.ofSeconds(30));
    }
  }

  private static void awaitOpen(RunningKernel kernel) {
    while (!GuestCalls.isLeftOpen(kernel)) {
      sleep(1);
    }
  }

  private static void sleep(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
