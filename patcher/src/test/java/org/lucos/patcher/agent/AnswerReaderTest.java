package org.lucos.patcher.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.base.Splitter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;

class AnswerReaderTest {
  private static final AgentRequest.Hello HELLO = new AgentRequest.Hello(List.of(1));
  private static final AgentRequest.Quiescence QUIESCENCE =
      new AgentRequest.Quiescence(List.of("do_sys_poll", "vfs_read"));
  private static final Duration TEN = Duration.ofSeconds(10);

  /** By number, as in the file. */
  private static final Map<Integer, AgentRequest<?>> REQUESTS =
      Map.ofEntries(
          Map.entry(1, HELLO),
          Map.entry(2, new AgentRequest.Ping()),
          Map.entry(3, new AgentRequest.Facts()),
          Map.entry(4, QUIESCENCE),
          Map.entry(5, new AgentRequest.Nudge()),
          Map.entry(6, new AgentRequest.KernelLog()),
          Map.entry(
              7,
              new AgentRequest.Probe(
                  new AgentRequest.Command(
                      List.of("/bin/sh", "-c", "echo out; echo err >&2; exit 3")),
                  TEN)),
          Map.entry(
              8,
              new AgentRequest.Probe(
                  new AgentRequest.Command(List.of("/bin/sleep", "60")), Duration.ofMillis(50))),
          Map.entry(
              9, new AgentRequest.Probe(new AgentRequest.ReadableFile("/nowhere/at/all"), TEN)),
          Map.entry(10, new AgentRequest.Probe(new AgentRequest.TcpPort("127.0.0.1", 1), TEN)),
          Map.entry(11, new AgentRequest.Thaw("machine")),
          Map.entry(12, new AgentRequest.Freeze("system.slice", Duration.ofSeconds(1))),
          Map.entry(17, new AgentRequest.ProgramPart(0, 10, bytes("hel"))),
          Map.entry(18, new AgentRequest.ProgramPart(3, 10, bytes("lo worl"))),
          Map.entry(
              19, new AgentRequest.Probe(new AgentRequest.Brought(List.of("greeting", "x")), TEN)),
          Map.entry(24, new AgentRequest.ProgramPart(0, 0, Bytes.EMPTY)));

  private static Bytes bytes(String text) {
    return Bytes.of(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void requestsAreTheGoldenOnes() {
    REQUESTS.forEach(
        (id, request) ->
            assertThat(new String(request.line(id), StandardCharsets.UTF_8))
                .isEqualTo(Golden.requests().get(id - 1) + "\n"));
  }

  @Test
  void goldenAnswersMeanWhatTheAgentMeant() {
    assertThat(golden(1))
        .isEqualTo(
            new AgentAnswer.Hello(
                1,
                "0.1.0",
                4711,
                List.of(
                    "facts",
                    "freeze",
                    "kernel-log",
                    "nudge",
                    "probe",
                    "quiescence",
                    "commands",
                    "programs")));
    assertThat(golden(3))
        .isEqualTo(
            new AgentAnswer.Facts(
                "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
                "6.1.0-47-cloud-amd64",
                4097,
                List.of("livepatch_fix"),
                "function_graph",
                2,
                1,
                "none",
                "on"));
    AgentAnswer.Quiescence seen = (AgentAnswer.Quiescence) golden(4);
    assertThat(seen.tasks()).isEqualTo(3);
    assertThat(seen.kernelThreads()).isEqualTo(1);
    assertThat(seen.uninterruptible()).isEqualTo(1);
    assertThat(seen.inside())
        .containsExactly(
            new AgentAnswer.Inside(
                42,
                42,
                "a) \\\"odd\\\" (name",
                "S",
                false,
                "do_sys_poll",
                "do_sys_poll",
                34,
                List.of(
                    "do_sys_poll+0x4f1/0x5e0",
                    "__x64_sys_poll+0xa8/0x150",
                    "do_syscall_64+0x58/0xc0",
                    "entry_SYSCALL_64_after_hwframe+0x64/0xce")));
    assertThat(((AgentAnswer.KernelLog) golden(6)).incidents())
        .singleElement()
        .returns("warning", AgentAnswer.Incident::kind)
        .returns(5_061_234_567L, AgentAnswer.Incident::first);
    assertThat(golden(7)).isEqualTo(new AgentAnswer.Job(false, "exited", 3, 0, "out\nerr\n"));
    assertThat(golden(8)).isEqualTo(new AgentAnswer.Job(false, "timed-out", 9, 0, ""));
    assertThat(golden(10)).isEqualTo(new AgentAnswer.Job(false, "failed", 111, 0, ""));
    assertThat(AnswerReader.line(Golden.answer(15), Golden.answer(15).length).refusal())
        .startsWith("protocol: ");
  }

  private static AgentAnswer golden(int id) {
    byte[] bytes = Golden.answer(id);
    AnswerReader.Line line = AnswerReader.line(bytes, bytes.length);
    assertThat(line.id()).isEqualTo(id);
    assertThat(line.isRefused()).isFalse();
    return REQUESTS.getOrDefault(id, HELLO).answer(line.body());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{}",
        "{\"id\":1}",
        "{\"id\":1,\"ok\":{},\"error\":{}}",
        "{\"id\":1,\"ok\":[]}",
        "{\"id\":-1,\"ok\":{}}",
        "{\"id\":1.5,\"ok\":{}}",
        "{\"id\":99999999999999999999,\"ok\":{}}",
        "{\"id\":1,\"id\":1,\"ok\":{}}",
        "{\"id\":1,\"ok\":{}} {}",
        "{\"id\":1,\"error\":{\"code\":\"\\u001b[2J\",\"text\":\"x\"}}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
      })
  void whatIsNoAnswerIsMalformed(String line) {
    byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> AnswerReader.line(bytes, bytes.length))
        .isInstanceOf(MalformedDataException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"tasks\":3->\"tasks\":-3",
        "\"tasks\":3->\"tasks\":\"3\"",
        "\"tasks\":3->\"tasks\":99999999",
        "\"function\":\"do_sys_poll\"->\"function\":\"not_asked_for\"",
        "\"kernelThread\":false->\"kernelThread\":0",
        "\"state\":\"S\"->\"state\":\"SSSS\"",
        "do_sys_poll+0x4f1/0x5e0->do_sys_poll\\u0007",
        "\"inside\":[->\"elsewhere\":["
      })
  void anAnswerThatBreaksTheProtocolIsMalformed(String change) {
    List<String> parts = Splitter.on("->").splitToList(change);
    String golden = new String(Golden.answer(4), StandardCharsets.UTF_8);
    assertThat(golden).contains(parts.get(0));
    byte[] bytes = golden.replace(parts.get(0), parts.get(1)).getBytes(StandardCharsets.UTF_8);
    AnswerReader.Line line = AnswerReader.line(bytes, bytes.length);
    assertThatThrownBy(() -> QUIESCENCE.answer(line.body()))
        .isInstanceOf(MalformedDataException.class);
  }

  /** {@code -Dlucos.fuzz.minutes=10} for long. */
  @Test
  void anyBytesGiveAnAnswerOrATypedError() {
    long seed = Long.getLong("lucos.fuzz.seed", System.nanoTime());
    long end =
        System.nanoTime() + Duration.ofMinutes(Long.getLong("lucos.fuzz.minutes", 0)).toNanos();
    Random random = new Random(seed);
    List<String> answers = Golden.answers();
    int malformed = 0;
    int read = 0;
    for (int i = 0; i < 20_000 || System.nanoTime() < end; i++) {
      int id = 1 + random.nextInt(answers.size());
      byte[] bytes = changed(Golden.answers(), id, random);
      try {
        AnswerReader.Line line = AnswerReader.line(bytes, bytes.length);
        if (!line.isRefused()) {
          REQUESTS.getOrDefault(id, HELLO).answer(line.body());
          read++;
        }
      } catch (MalformedDataException e) {
        malformed++;
      } catch (RuntimeException | StackOverflowError e) {
        throw new AssertionError(
            "seed " + seed + ", " + new String(bytes, StandardCharsets.UTF_8), e);
      }
      if (i % 1000 == 0 && end > 0 && System.nanoTime() > end && i >= 20_000) {
        break;
      }
    }
    assertThat(malformed).as("seed " + seed).isPositive();
    assertThat(read).as("seed " + seed).isPositive();
  }

  private static byte[] changed(List<String> answers, int id, Random random) {
    byte[] bytes = answers.get(id - 1).getBytes(StandardCharsets.UTF_8);
    for (int changes = random.nextInt(4); changes > 0; changes--) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
    }
    return random.nextInt(5) > 0
        ? bytes
        : java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
  }
}
