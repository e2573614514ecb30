package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.lucos.tests.guest.HostedGuest;
import org.lucos.tests.guest.TestGuest;

/**
 * A patch of {@code kernel-patches/mechanism} and how it shows in a guest.
 *
 * @param recipe its name
 * @param function what it replaces
 * @param command what to run in the guest
 * @param answer what the output matches while the patch is applied, and never else
 */
public record Mechanism(String recipe, String function, String command, String answer) {
  /** Has a table whose address the kernel may keep: its module is retained after a revert. */
  static final Mechanism DATA =
      new Mechanism(
          "execdomains-new-data",
          "execdomains_proc_show",
          "cat /proc/execdomains",
          "(?s).*lucos reader \\d+ of (one|some)");

  static final Mechanism VERSION =
      new Mechanism(
          "version-shows", "version_proc_show", "cat /proc/version", "(?s).*lucos version");
  public static final Mechanism CMDLINE =
      new Mechanism(
          "cmdline-shows", "cmdline_proc_show", "cat /proc/cmdline", "(?s).*lucos cmdline");
  static final Mechanism UPTIME =
      new Mechanism("uptime-shows", "uptime_proc_show", "cat /proc/uptime", "(?s).*lucos uptime");
  static final Mechanism LOADAVG =
      new Mechanism(
          "loadavg-shows", "loadavg_proc_show", "cat /proc/loadavg", "(?s).*lucos loadavg");
  static final Mechanism FILESYSTEMS =
      new Mechanism(
          "filesystems-shows",
          "filesystems_proc_show",
          "tail -n 1 /proc/filesystems",
          "nodev\tlucosfs");
  static final Mechanism HOSTNAME =
      new Mechanism(
          "hostname-warns",
          "__x64_sys_sethostname",
          "hostname warn; dmesg | tail -n 60 | grep -c 'the host is called warn'; hostname quick",
          "[1-9]\\d*");
  static final Mechanism DIRECTORY =
      new Mechanism(
          "directory-hides-name",
          "filldir64",
          "touch /tmp/lucos-hidden /tmp/lucos-shown; ls /tmp | grep ^lucos | tr '\\n' ' '",
          "lucos-shown ");
  static final Mechanism LSEEK =
      new Mechanism("lseek-answers", "vfs_llseek", "patch_probe lseek 4242424242", "42");
  static final Mechanism GETSOCKNAME =
      new Mechanism(
          "getsockname-answers", "__sys_getsockname", "patch_probe getsockname -4242", "EDOM");
  static final Mechanism NANOSLEEP =
      new Mechanism("nanosleep-refuses", "hrtimer_nanosleep", "patch_probe nanosleep 4242", "EDOM");

  /** Those that leave nothing in the guest when they are reverted, and no warning when observed. */
  static final List<Mechanism> QUIET =
      List.of(
          VERSION, CMDLINE, UPTIME, LOADAVG, FILESYSTEMS, DIRECTORY, LSEEK, GETSOCKNAME, NANOSLEEP);

  void assertSeen(TestGuest guest) {
    assertThat(guest.run(command)).as(recipe).matches(answer);
  }

  void assertSeen(HostedGuest guest) {
    assertThat(guest.run(command)).as(recipe).matches(answer);
  }

  void assertNotSeen(HostedGuest guest) {
    assertThat(guest.run(command)).as(recipe).doesNotMatch(answer);
  }

  void assertNotSeen(TestGuest guest) {
    assertThat(guest.attempt(command).stdout().strip()).as(recipe).doesNotMatch(answer);
  }
}
