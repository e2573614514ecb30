package org.lucos.bridge.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;

class QemuMonitorTest {
  private static final Path SOCKET = Path.of("/run/domain-1-guest/lucos-gdb.sock");

  private static QemuMonitor answering(UnaryOperator<String> answers) {
    return new QemuMonitor(new FakeControl(answers));
  }

  private static DomainRefusal refusal(Runnable action) {
    try {
      action.run();
    } catch (DomainRefusedException e) {
      return e.refusal();
    }
    throw new AssertionError("not refused");
  }

  @ParameterizedTest
  @CsvSource({
    "running,RUNNING",
    "paused,PAUSED",
    "io-error,PAUSED",
    "suspended,SUSPENDED",
    "shutdown,ENDING",
    "guest-panicked,CRASHED"
  })
  void stateIsQemusOwn(String word, DomainState state) {
    QemuMonitor monitor = answering(c -> "{\"return\":{\"status\":\"" + word + "\"}}");
    assertThat(monitor.status()).isEqualTo(new QemuMonitor.Status(state, word));
  }

  @ParameterizedTest
  @CsvSource({"running,true", "paused,true", "debug,true", "postmigrate,false", "io-error,false"})
  void watchdogLetsRunWhatRunsOrWasStoppedInTheOrdinaryWay(String word, boolean may) {
    GdbRescue.Port port =
        GdbRescue.port(
            () -> new FakeControl(c -> "{\"return\":{\"status\":\"" + word + "\"}}"), SOCKET);
    assertThat(port.mayResume()).isEqualTo(may);
  }

  @ParameterizedTest
  @ValueSource(strings = {"setup", "active", "postcopy-active", "device", "cancelling", "colo"})
  void migrationThatGoesOnIsSeen(String word) {
    assertThat(answering(c -> "{\"return\":{\"status\":\"" + word + "\"}}").activeMigration())
        .contains(word);
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "completed", "failed", "cancelled"})
  void migrationOfThePastIsNone(String word) {
    assertThat(answering(c -> "{\"return\":{\"status\":\"" + word + "\"}}").activeMigration())
        .isEmpty();
    assertThat(answering(FakeControl::healthy).activeMigration()).isEmpty();
  }

  @Test
  void encryptionIsSeen() {
    assertThat(answering(FakeControl::healthy).encrypted()).isFalse();
    assertThat(answering(c -> "{\"return\":{\"enabled\":false}}").encrypted()).isFalse();
    assertThat(answering(c -> "{\"return\":{\"enabled\":true}}").encrypted()).isTrue();
  }

  @Test
  void errorInAnAnswerIsAFailure() {
    assertThat(refusal(() -> answering(c -> "{\"error\":{\"desc\":\"no\"}}").qmp("query-status")))
        .isInstanceOf(DomainRefusal.HypervisorFailure.class)
        .extracting(DomainRefusal::message)
        .asString()
        .contains("query-status", "no");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "nonsense", "[]", "{", "{\"return\"", "null"})
  void answerThatIsNoAnswerIsAFailure(String answer) {
    assertThat(refusal(() -> answering(c -> answer).qmp("query-status")))
        .isInstanceOf(DomainRefusal.HypervisorFailure.class);
  }

  @Test
  void hostAddressIsRead() {
    assertThat(
            answering(c -> "Host virtual address for 0x100000 (pc.ram) is 0x7fb617f00000\r\n\r\n")
                .hostAddress(0x100000))
        .isEqualTo(0x7fb617f00000L);
    assertThatThrownBy(
            () -> answering(c -> "No memory is mapped at address 0x9\r\n").hostAddress(9))
        .hasMessageContaining("No memory is mapped");
  }

  private static UnaryOperator<String> withGdb(String filename) {
    return command ->
        command.contains("query-chardev")
            ? "{\"return\":[{\"label\":\"gdb\",\"filename\":\"" + filename + "\"}]}"
            : "";
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "disconnected:tcp:localhost:1234,server=on",
        "tcp:127.0.0.1:1234,server=on <-> 127.0.0.1:5000",
        "disconnected:unix:/tmp/other,server=on",
        "unix:/run/domain-1-guest/lucos-gdb.sock,server=on"
      })
  void debugPortInUseIsRefusedAndLeftAlone(String filename) {
    FakeControl control = new FakeControl(withGdb(filename));
    DebugPort port = new DebugPort(new QemuMonitor(control), "guest", SOCKET);
    assertThat(refusal(port::open))
        .isEqualTo(new DomainRefusal.DebuggerAttached("guest", filename));
    assertThat(control.commands).noneMatch(command -> command.startsWith("gdbserver"));
  }

  @Test
  void leftOverDebugPortOfOursIsTakenOver() {
    FakeControl control = new FakeControl(withGdb("disconnected:unix:" + SOCKET + ",server=on"));
    new DebugPort(new QemuMonitor(control), "guest", SOCKET).open();
    assertThat(control.commands)
        .filteredOn(command -> command.startsWith("gdbserver"))
        .containsExactly("gdbserver none", "gdbserver unix:" + SOCKET + ",server=on,wait=off");
  }

  @Test
  void debugPortThatDoesNotOpenIsAFailure() {
    DebugPort port = new DebugPort(answering(FakeControl::healthy), "guest", SOCKET);
    assertThat(refusal(port::open)).isInstanceOf(DomainRefusal.HypervisorFailure.class);
  }

  @Test
  void foreignDebugPortIsNotClosed() {
    FakeControl control = new FakeControl(withGdb("disconnected:unix:/tmp/other,server=on"));
    new DebugPort(new QemuMonitor(control), "guest", SOCKET).close();
    assertThat(control.commands).noneMatch(command -> command.startsWith("gdbserver"));
  }
}
