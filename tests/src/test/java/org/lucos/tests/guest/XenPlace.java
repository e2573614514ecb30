package org.lucos.tests.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.host.GuestHosts;

/**
 * The Xen under this machine, which is its dom0: guests made by {@code xl}.
 *
 * @param type what Xen calls the kind of guests, {@code pvh} or {@code pv}
 */
record XenPlace(String type) implements Place {
  static final String PVH = "xen-pvh";
  static final String PV = "xen-pv";

  private static final Duration LIMIT = Duration.ofMinutes(1);

  @Override
  public String connection() {
    return "xen:///system";
  }

  @Override
  public GuestHost open(Duration silenceLimit) {
    return GuestHosts.open(connection(), silenceLimit);
  }

  @Override
  public Duration shortSilence() {
    return Duration.ofSeconds(30);
  }

  @Override
  public GuestHost open() {
    return GuestHosts.open(connection());
  }

  @Override
  public BootedDomain start(GuestSpec spec) {
    return XlDomain.start(spec, type);
  }

  @Override
  public Outside outside(String guest) {
    return new XlOutside(guest);
  }

  @Override
  public String hypervisor() {
    return "Xen ";
  }

  @Override
  public String accelerator() {
    return type;
  }

  /** Runs {@code xl}, which must succeed, and returns what it prints. */
  static String xl(String... arguments) {
    List<String> command = new ArrayList<>(List.of("xl"));
    command.addAll(List.of(arguments));
    return HostCommand.run(LIMIT, command).strip();
  }

  private record XlOutside(String guest) implements Outside {
    /** A letter or a hyphen for each of running, blocked, paused, shut down, crashed, dying. */
    private static final Pattern STATE = Pattern.compile(" [r-][b-]([p-])[s-][c-][d-] ");

    @Override
    public boolean running() {
      Matcher state = STATE.matcher(xl("list", guest));
      if (!state.find()) {
        throw new GuestFailure("xl tells no state of " + guest);
      }
      return state.group(1).equals("-");
    }

    @Override
    public void suspend() {
      xl("pause", guest);
    }

    @Override
    public void resume() {
      xl("unpause", guest);
    }

    @Override
    public void end() {
      xl("destroy", guest);
    }

    /** A watchdog has its lock for as long as it has anything to do. */
    @Override
    public boolean controlled() {
      String vm =
          HostCommand.run(
                  LIMIT, List.of("xenstore-read", "/local/domain/" + xl("domid", guest) + "/vm"))
              .strip();
      Path lock = Path.of("/run/lucos/xen", Path.of(vm).getFileName() + ".lock");
      if (!Files.exists(lock)) {
        return false;
      }
      try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE)) {
        return channel.tryLock() == null;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
