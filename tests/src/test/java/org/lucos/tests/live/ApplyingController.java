package org.lucos.tests.live;

import java.nio.file.Path;
import java.time.Duration;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.RevertPatch;

/**
 * A controller for tests to kill: applies or reverts, and prints each phase as it begins.
 * Arguments: guest, bundle or patch, {@code apply} or {@code revert}.
 */
final class ApplyingController {
  static final String DONE = "done";

  private ApplyingController() {}

  public static void main(String[] arguments) {
    Duration maxPause = Duration.ofSeconds(5);
    Progress telling =
        new Progress() {
          @Override
          public void phase(String name) {
            say(name);
          }

          @Override
          public void detail(String text) {}
        };
    String guest = arguments[0];
    if (arguments[2].equals("revert")) {
      new RevertPatch(Bundles.settings())
          .run(new RevertPatch.Request(guest, arguments[1], Operator.PATIENCE, maxPause), telling);
    } else {
      new ApplyPatch(Bundles.settings())
          .run(
              new ApplyPatch.Request(
                  guest, Path.of(arguments[1]), Operator.PATIENCE, maxPause, false),
              telling);
    }
    say(DONE);
  }

  @SuppressWarnings("SystemOut")
  private static void say(String line) {
    System.out.println("phase: " + line);
    System.out.flush();
  }
}
