package org.lucos.tests.live;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.RevertPatch;
import org.lucos.patcher.app.SwitchLimits;

/**
 * A controller for tests to kill: changes a guest, and prints each phase as it begins. Arguments:
 * guest, bundles or patches with commas between them, {@code apply}, {@code replace} or {@code
 * revert}, and perhaps a phase at whose beginning it stays, and which time that comes.
 */
final class ApplyingController {
  static final String DONE = "done";
  static final String HERE = "here it stays";

  private ApplyingController() {}

  public static void main(String[] arguments) {
    String guest = arguments[0];
    List<String> what = List.of(arguments[1].split(","));
    String last = arguments.length > 3 ? arguments[3] : "";
    int times = arguments.length > 4 ? Integer.parseInt(arguments[4]) : 1;
    SwitchLimits limits = new SwitchLimits(Operator.PATIENCE, Duration.ofSeconds(5));
    if (arguments[2].equals("revert")) {
      new RevertPatch(Bundles.settings())
          .run(new RevertPatch.Request(guest, what, limits), telling(last, times));
    } else {
      new ApplyPatch(Bundles.settings())
          .run(
              new ApplyPatch.Request(
                  guest,
                  what.stream().map(Path::of).toList(),
                  arguments[2].equals("replace") ? Optional.of(List.of()) : Optional.empty(),
                  limits,
                  false,
                  false,
                  false,
                  false),
              telling(last, times));
    }
    say(DONE);
  }

  private static Progress telling(String last, int times) {
    return new Progress() {
      private int left = times;

      @Override
      public void phase(String name) {
        say(name);
        if (name.equals(last) && --left == 0) {
          say(HERE);
          stay();
        }
      }

      @Override
      public void detail(String text) {}
    };
  }

  private static void stay() {
    try {
      Thread.sleep(Long.MAX_VALUE);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("SystemOut")
  private static void say(String line) {
    System.out.println("phase: " + line);
    System.out.flush();
  }
}
