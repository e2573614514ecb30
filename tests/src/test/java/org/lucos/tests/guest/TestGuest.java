package org.lucos.tests.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Base64;
import java.util.UUID;
import org.junit.jupiter.api.Assumptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real guest at this {@link Place} with a stock Debian kernel, tied to this process (it is
 * destroyed when the process dies, however that happens). Every program under {@code
 * tests/src/test/guest} is in its {@code /bin}. After it is closed its console log stays in {@code
 * tests/target/guests}.
 */
public final class TestGuest implements AutoCloseable {
  /**
   * Limit of a command that names none; guests are slow where QEMU translates on a busy machine.
   */
  public static final Duration DEFAULT_LIMIT = Duration.ofSeconds(90);

  private static final Logger LOG = LoggerFactory.getLogger(TestGuest.class);
  private static final Duration BOOT_LIMIT = Duration.ofMinutes(4);
  private static final int CHUNK = 16 * 1024;

  private final GuestSpec spec;
  private final BootedDomain domain;
  private final GuestShell shell;
  private final Duration bootTime;
  private String mark = "";
  private boolean spoiled;

  private TestGuest(GuestSpec spec, BootedDomain domain, GuestShell shell, Duration bootTime) {
    this.spec = spec;
    this.domain = domain;
    this.shell = shell;
    this.bootTime = bootTime;
  }

  /**
   * Builds what is needed, boots the guest and waits until its shell answers; a guest that does not
   * come up is booted once more.
   *
   * @throws GuestFailure if it does not come up
   */
  public static TestGuest boot(GuestSpec spec) {
    requireRoot();
    try {
      return bootOnce(spec);
    } catch (NotUp e) { // emulated, it may hang or oops in its boot: nothing was done to it yet
      LOG.warn("booting once more: {}", e.getMessage());
      return bootOnce(spec);
    }
  }

  private static final class NotUp extends GuestFailure {
    private static final long serialVersionUID = 1L;

    NotUp(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private static TestGuest bootOnce(GuestSpec spec) {
    BootedDomain domain = Place.current().start(spec);
    try {
      GuestShell shell = GuestShell.connect(domain.console(), BOOT_LIMIT);
      TestGuest guest = new TestGuest(spec, domain, shell, domain.age());
      guest.settle();
      guest.markKernelLog(); // a crowded host makes a booting kernel complain of stalls
      return guest;
    } catch (GuestShell.NoAnswerException e) {
      String log = domain.consoleTail();
      domain.destroy();
      throw new NotUp("guest " + domain.name() + " does not come up: " + e.getMessage() + log, e);
    } catch (IOException e) {
      domain.destroy();
      throw new UncheckedIOException(e);
    } catch (GuestFailure | RuntimeException e) {
      domain.destroy();
      throw e;
    }
  }

  /** The quick image has its files and modules from the start; a Debian guest gets them now. */
  private void settle() {
    if (spec.image() == GuestSpec.Image.DEBIAN) {
      run("tar -C / --keep-directory-symlink -xf /dev/vdb");
      spec.modules().forEach(module -> run("modprobe " + module));
    }
  }

  /** Without root there is no guest: a skipped test for a person, a failed one in CI. */
  public static void requireRoot() {
    if (!"root".equals(System.getProperty("user.name"))) {
      String why = "guests of the system libvirt daemon need root";
      if ("true".equals(System.getenv("CI"))) {
        throw new GuestFailure(why);
      }
      Assumptions.abort(why);
    }
  }

  public GuestSpec spec() {
    return spec;
  }

  /** The libvirt domain's name. */
  public String name() {
    return domain.name();
  }

  /** The same guest, by other means than the product's. */
  public Outside outside() {
    return Place.current().outside(name());
  }

  /** The kernel's release, as the package calls it and {@code uname -r} prints it. */
  public String release() {
    return domain.release();
  }

  /** Time from creating the domain to the first answer of its shell. */
  public Duration bootTime() {
    return bootTime;
  }

  /**
   * Whether the domain is still there, its shell can take commands, and no test has failed with it:
   * the next one would fail by what that one left.
   */
  public boolean isUsable() {
    return domain.isAlive() && !shell.isLost() && !spoiled;
  }

  /** A test has failed with this guest: it is not given to another one. */
  void spoil() {
    spoiled = true;
  }

  /**
   * Runs a shell command as root and returns what it wrote to standard output, without the newlines
   * at its end.
   *
   * @throws GuestFailure if it fails or is not over within {@link #DEFAULT_LIMIT}
   */
  public String run(String command) {
    return run(command, DEFAULT_LIMIT);
  }

  /** As {@link #run(String)}, with a limit of its own. */
  public String run(String command, Duration limit) {
    CommandResult result = attempt(command, limit);
    if (result.status() != 0) {
      throw failure(
          "command fails with "
              + result.status()
              + ": "
              + command
              + "\n"
              + result.stdout()
              + result.stderr());
    }
    return result.stdout().replaceFirst("\n+\\z", "");
  }

  /** Runs a shell command that may fail. */
  public CommandResult attempt(String command) {
    return attempt(command, DEFAULT_LIMIT);
  }

  /**
   * Runs a shell command that may fail. Each command has a shell of its own; standard input is
   * empty. What is to go on after it must be put in the background with its output redirected.
   */
  public CommandResult attempt(String command, Duration limit) {
    try {
      return shell.run(command, limit);
    } catch (GuestShell.NoAnswerException e) {
      throw new GuestFailure(
          "guest " + domain.name() + ": " + command + ": " + e.getMessage() + domain.consoleTail(),
          e);
    }
  }

  /** Writes a file in the guest; for kilobytes, since it travels over the serial port. */
  public void write(String path, byte[] content) {
    run(": >'" + path + "'");
    for (int at = 0; at < content.length; at += CHUNK) {
      int length = Math.min(CHUNK, content.length - at);
      byte[] chunk = new byte[length];
      System.arraycopy(content, at, chunk, 0, length);
      run("echo " + Base64.getEncoder().encodeToString(chunk) + " | base64 -d >>'" + path + "'");
    }
  }

  /** Reads a file of the guest byte for byte. */
  public byte[] read(String path) {
    return Base64.getMimeDecoder().decode(run("base64 '" + path + "'"));
  }

  /** All the kernel's ring buffer holds. */
  public KernelLog kernelLog() {
    return KernelLog.parse(run("dmesg"));
  }

  /**
   * From now on {@link #newKernelLog} and {@link #assertNoKernelWarnings} look at later lines only.
   */
  public void markKernelLog() {
    mark = "lucos-test-mark-" + UUID.randomUUID();
    run("echo " + mark + " >/dev/kmsg");
  }

  /** What the kernel has logged since the last mark, or since boot. */
  public KernelLog newKernelLog() {
    KernelLog log = kernelLog();
    return mark.isEmpty() ? log : log.after(mark);
  }

  /** Fails if the kernel has complained about anything since the last mark, or since boot. */
  public void assertNoKernelWarnings() {
    KernelLog log = newKernelLog();
    if (!log.troubles().isEmpty()) {
      spoiled = true;
      throw failure("the guest's kernel complains:\n" + log);
    }
  }

  /** What the guest's console has shown from its first line on. */
  public String consoleLog() {
    return domain.consoleLog();
  }

  private GuestFailure failure(String message) {
    return new GuestFailure("guest " + domain.name() + ": " + message + domain.consoleTail());
  }

  /** Ends the guest at once. */
  @Override
  public void close() {
    shell.close();
    domain.destroy();
  }
}
