package org.lucos.tests.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.SocketException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The protocol, spoken with a real shell on a pseudo terminal of the host instead of a guest's
 * serial port.
 */
class GuestShellTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  @TempDir Path folder;
  private Process terminal;
  private GuestShell shell;

  @BeforeEach
  void startShellOnTerminal() throws Exception {
    Path socket = folder.resolve("port");
    terminal =
        new ProcessBuilder(
                List.of(
                    "socat",
                    "UNIX-LISTEN:" + socket + ",fork",
                    "EXEC:sh -i,pty,setsid,ctty,stderr,echo=1"))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("socat.log").toFile())
            .start();
    while (shell == null) {
      assertThat(terminal.isAlive()).isTrue();
      try {
        shell = GuestShell.connect(socket, LIMIT);
      } catch (SocketException e) {
        Thread.sleep(20); // it is not there yet, or nobody listens there yet
      }
    }
  }

  @AfterEach
  void endShell() throws Exception {
    if (shell != null) {
      shell.close();
    }
    terminal.descendants().forEach(ProcessHandle::destroy);
    terminal.destroy();
    terminal.waitFor();
  }

  private CommandResult run(String command) throws GuestShell.NoAnswerException {
    return shell.run(command, LIMIT);
  }

  @Test
  void tellsStatusOutputAndErrorsApart() throws Exception {
    CommandResult result = run("echo out; echo 'err: \"x\"' >&2; exit 3");

    assertThat(result.status()).isEqualTo(3);
    assertThat(result.stdout()).isEqualTo("out\n");
    assertThat(result.stderr()).isEqualTo("err: \"x\"\n");
  }

  @Test
  void takesCommandsOfSeveralLinesAndOtherAlphabets() throws Exception {
    assertThat(run("for i in 1 2 3; do\n  echo \"$i ünï @lucos:1:0:\"\ndone").stdout())
        .isEqualTo("1 ünï @lucos:1:0:\n2 ünï @lucos:1:0:\n3 ünï @lucos:1:0:\n");
  }

  @Test
  void takesLongCommandsAndLongOutput() throws Exception {
    String text = "0123456789abcdef".repeat(3000);

    assertThat(run("echo " + text).stdout()).isEqualTo(text + "\n");
    assertThat(run("seq 1 200000").stdout().lines()).hasSize(200_000);
  }

  @Test
  void survivesBinaryNoiseOnTheLine() throws Exception {
    String port =
        run("readlink /proc/self/fd/1; tty </proc/$PPID/fd/0")
            .stdout()
            .lines()
            .skip(1)
            .findFirst()
            .orElseThrow();
    run(
        "(i=0; while [ $i -lt 40 ]; do head -c 500 /dev/urandom; sleep 0.02; i=$((i+1)); done) >"
            + port
            + " 2>/dev/null &");

    for (int i = 0; i < 10; i++) {
      assertThat(run("seq 1 500").stdout().lines()).hasSize(500);
    }
  }

  @Test
  void interruptsACommandThatTakesTooLongAndGoesOn() throws Exception {
    assertThatThrownBy(() -> shell.run("echo begun; sleep 60", Duration.ofMillis(700)))
        .isInstanceOf(GuestShell.NoAnswerException.class)
        .hasMessageContaining("not over within PT0.7S")
        .hasMessageContaining("begun");

    assertThat(run("echo still here").stdout()).isEqualTo("still here\n");
  }

  @Test
  void doesNotWaitForBackgroundProcesses() throws Exception {
    CommandResult result = run("sleep 5 >/dev/null 2>&1 & echo $!");

    assertThat(result.took()).isLessThan(Duration.ofSeconds(4));
    run("kill " + result.stdout().strip());
  }

  @Test
  void tellsThatTheOtherSideIsGone() throws IOException, InterruptedException {
    terminal.descendants().forEach(ProcessHandle::destroyForcibly);
    terminal.destroyForcibly().waitFor();

    assertThatThrownBy(() -> run("true"))
        .isInstanceOf(GuestShell.NoAnswerException.class)
        .hasMessageContaining("console");
  }
}
