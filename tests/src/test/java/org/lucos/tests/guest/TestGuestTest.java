package org.lucos.tests.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The fixture itself, on real guests. */
class TestGuestTest {
  @ParameterizedTest
  @CsvSource({"cloud-amd64, 6.1", "cloud-amd64, 6.12", "amd64, 6.1"})
  void bootsEachFlavourAndSeries(String flavour, String series) {
    try (TestGuest guest = TestGuest.boot(GuestSpec.of(flavour, series))) {
      assertThat(guest.run("uname -r"))
          .isEqualTo(guest.release())
          .startsWith(series + ".")
          .endsWith("-" + flavour);
      guest.assertNoKernelWarnings();
    }
  }

  @Test
  void bootsADebianSystem() {
    GuestSpec spec = GuestSpec.debian("6.1").withVcpus(2).withModule("nf_tables");
    try (TestGuest guest = TestGuest.boot(spec)) {
      assertThat(guest.run("uname -r")).isEqualTo(guest.release());
      assertThat(guest.run("dpkg -l linux-image-" + guest.release())).contains("ii  linux-image");
      guest.run("systemctl is-system-running --wait");
      assertThat(guest.run("systemctl is-active cron dbus ssh systemd-journald").lines())
          .containsOnly("active");
      assertThat(guest.run("syscall_load 2 2")).endsWith("rounds");
      assertThat(guest.run("lsmod")).contains("nf_tables");
      guest.assertNoKernelWarnings();
    }
  }

  @Test
  void givesAsManyVcpusAndAsMuchMemoryAsAsked() {
    GuestSpec spec = GuestSpec.cloud("6.1").withVcpus(2).withMemoryMib(768);
    try (TestGuest guest = TestGuest.boot(spec)) {
      assertThat(guest.run("nproc")).isEqualTo("2");
      assertThat(Integer.parseInt(guest.run("awk '/MemTotal/ {print $2}' /proc/meminfo")))
          .isBetween(600 * 1024, 768 * 1024);
    }
  }

  @Test
  void loadsModulesAndTakesCommandLineWords() {
    GuestSpec spec =
        GuestSpec.cloud("6.12").withModule("nf_tables").withCommandLine("lucos.answer=42");
    try (TestGuest guest = TestGuest.boot(spec)) {
      assertThat(guest.run("cat /proc/modules")).contains("nf_tables ", "nfnetlink ");
      assertThat(guest.run("cat /proc/cmdline")).contains("lucos.answer=42");
    }
  }

  @Test
  void tellsAFailingCommandWithItsOutputAndTheConsole(@Guest TestGuest guest) {
    assertThatThrownBy(() -> guest.run("echo some output; ls /nowhere"))
        .isInstanceOf(GuestFailure.class)
        .hasMessageContaining("some output")
        .hasMessageContaining("/nowhere")
        .hasMessageContaining("lucos quick guest");
  }

  @Test
  void tellsATimeOutWithTheConsoleAndGoesOn(@Guest TestGuest guest) {
    assertThatThrownBy(() -> guest.run("echo half; sleep 100", Duration.ofSeconds(2)))
        .isInstanceOf(GuestFailure.class)
        .hasMessageContaining("not over within PT2S")
        .hasMessageContaining("half")
        .hasMessageContaining("lucos quick guest");
    assertThat(guest.run("echo on")).isEqualTo("on");
  }

  @Test
  void survivesBinaryNoiseOnItsConsole(@Guest TestGuest guest) {
    guest.run("(for i in $(seq 20); do head -c 400 /dev/urandom; sleep 0.1; done) >/dev/ttyS1 &");
    for (int i = 0; i < 8; i++) {
      assertThat(guest.run("seq 1 300").lines()).hasSize(300);
    }
  }

  @Test
  void carriesFilesBothWays(@Guest TestGuest guest) {
    byte[] content = new byte[60_000];
    new Random(7).nextBytes(content);
    guest.write("/tmp/carried", content);
    assertThat(guest.read("/tmp/carried")).isEqualTo(content);
  }

  @Test
  void carriesTheKernelsSymbolTable(@Guest TestGuest guest) {
    assertThat(guest.run("cat /proc/kallsyms").lines().count()).isGreaterThan(50_000);
  }

  @Test
  void tellsWhatTheKernelComplainsOf(@Guest TestGuest guest) {
    guest.markKernelLog();
    guest.assertNoKernelWarnings();
    guest.run("echo 'BUG: told by a test' >/dev/kmsg");
    assertThatThrownBy(guest::assertNoKernelWarnings).hasMessageContaining("BUG: told by a test");
    assertThat(guest.isUsable()).as("for other tests").isFalse();
    guest.markKernelLog();
    guest.assertNoKernelWarnings();
  }

  @Test
  void hasTheTestProgramsInItsPath(@Guest TestGuest guest) {
    guest.run("threads 300 >/tmp/threads.out 2>&1 & echo $! >/tmp/threads.pid");
    try {
      guest.run("while ! grep -q ready /tmp/threads.out; do sleep 0.1; done");
      assertThat(guest.run("ls /proc/$(cat /tmp/threads.pid)/task | wc -l")).isEqualTo("301");
    } finally {
      guest.run("kill $(cat /tmp/threads.pid)");
    }
  }

  @Test
  void anotherOneOfItsNameIsRefused(@Guest TestGuest guest) {
    String script = Repository.root().resolve("vm-images/boot.sh").toString();
    assertThatThrownBy(
            () -> HostCommand.run(Duration.ofMinutes(1), List.of(script, "--name=" + guest.name())))
        .isInstanceOf(GuestFailure.class)
        .hasMessageContaining("there is a guest " + guest.name() + " already");
    assertThat(guest.run("echo still here")).isEqualTo("still here");
  }

  @Test
  void isGoneAfterItsEndAndLeavesItsLog() {
    TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.1"));
    guest.close();

    assertThat(domains()).doesNotContain(guest.name());
    assertThat(Repository.logs().resolve(guest.name() + ".console.log"))
        .content(StandardCharsets.ISO_8859_1)
        .contains("lucos quick guest");
    assertThat(Path.of("/run/lucos", guest.name())).doesNotExist();
  }

  @Test
  void isGoneWhenTheProcessItIsTiedToIsKilled() throws Exception {
    String name = "lucos-test-tied-" + ProcessHandle.current().pid();
    String boot = Repository.root().resolve("vm-images/boot.sh").toString();
    Process owner =
        new ProcessBuilder("sh", "-c", "sleep 600 | " + boot + " --tied --name " + name).start();
    try {
      await(() -> domains().contains(name));
      ProcessHandle sleep =
          owner
              .children()
              .filter(child -> child.info().command().orElse("").endsWith("sleep"))
              .findFirst()
              .orElseThrow();
      sleep.destroyForcibly();
      await(() -> !domains().contains(name));
    } finally {
      owner.descendants().forEach(ProcessHandle::destroy);
      owner.destroy();
      HostCommand.run(Duration.ofSeconds(30), List.of(boot, "--destroy", name));
    }
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 300 && !condition.getAsBoolean(); i++) {
      Thread.sleep(200);
    }
    assertThat(condition.getAsBoolean()).isTrue();
  }

  private static List<String> domains() {
    return HostCommand.run(
            Duration.ofSeconds(30),
            List.of("virsh", "-c", "qemu:///system", "list", "--all", "--name"))
        .lines()
        .toList();
  }
}
