package org.lucos.patcher.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.domain.GuestChannel;
import org.lucos.patcher.agent.AgentException.Kind;

class AgentLinkTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofMillis(200);

  /** An agent that answers each line, golden but for what it is told to do to an answer. */
  private static final class Wire implements GuestChannel {
    private static final Pattern REQUEST =
        Pattern.compile("\\{\"id\":(\\d+),\"do\":\"([a-z-]+)\".*");
    private final Deque<byte[]> coming = new ArrayDeque<>();
    private UnaryOperator<String> change = answer -> answer;
    private boolean closed;

    @Override
    public void send(byte[] bytes, Duration limit) throws IOException {
      String line = new String(bytes, StandardCharsets.UTF_8).strip();
      Matcher request = REQUEST.matcher(line);
      if (request.matches()) {
        int golden =
            List.of("hello", "ping", "facts", "quiescence", "nudge", "kernel-log")
                .indexOf(request.group(2));
        String answer =
            Golden.answers().get(golden).replaceFirst("\"id\":\\d+", "\"id\":" + request.group(1));
        say(change.apply(answer + "\n"));
      }
    }

    void say(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      for (int at = 0; at < bytes.length; at += 1000) {
        coming.add(java.util.Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + 1000)));
      }
    }

    @Override
    public int receive(byte[] into, Duration limit) throws IOException {
      byte[] next = coming.poll();
      if (next == null) {
        try {
          Thread.sleep(Math.min(5, limit.toMillis() + 1));
        } catch (InterruptedException e) {
          throw new IOException(e);
        }
        return 0;
      }
      int count = Math.min(into.length, next.length);
      System.arraycopy(next, 0, into, 0, count);
      if (count < next.length) {
        coming.addFirst(java.util.Arrays.copyOfRange(next, count, next.length));
      }
      return count;
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private final Wire wire = new Wire();

  @Test
  void answersAreFoundBehindWhatEarlierConversationsLeft() {
    wire.say("half a line{\"id\":3,\"ok\":{}}\n{\"id\":4,\"ok\":{}}\n\n");
    try (AgentLink link = AgentLink.open(wire, LONG)) {
      assertThat(link.hello().pid()).isEqualTo(4711);
      link.nudge();
      link.nudge();
      assertThat(link.ask(new AgentRequest.Facts(), LONG).release())
          .isEqualTo("6.1.0-47-cloud-amd64");
    }
    assertThat(wire.closed).isTrue();
  }

  @Test
  void lineWithoutEndIsPassedOver() {
    wire.say("x".repeat(200_000) + "\n");
    try (AgentLink link = AgentLink.open(wire, LONG)) {
      assertThat(link.ask(new AgentRequest.Facts(), LONG).tainted()).isEqualTo(4097);
    }
  }

  @Test
  void silenceEnds() {
    wire.change = answer -> "";
    assertFails(Kind.SILENT, SHORT);
  }

  @Test
  void answerToAnotherQuestionIsNone() {
    wire.change = answer -> answer.replaceFirst("\"id\":", "\"id\":1");
    assertFails(Kind.SILENT, SHORT);
  }

  @Test
  void babbleIsNotSilence() {
    wire.change = answer -> "good morning\n";
    assertFails(Kind.NONSENSE, SHORT);
  }

  @Test
  void floodEnds() {
    wire.change = answer -> "{\"id\":0,\"ok\":{}}\n".repeat(100_000);
    assertFails(Kind.NONSENSE, LONG);
  }

  @Test
  void floodWithoutLinesEnds() {
    wire.change = answer -> "f".repeat(3_000_000);
    assertFails(Kind.NONSENSE, LONG);
  }

  @Test
  void answerThatBreaksTheProtocolIsNonsense() {
    wire.change = answer -> answer.replace("4711", "-1");
    assertFails(Kind.NONSENSE, LONG);
  }

  @Test
  void randomBytesNeverDoMoreThanFail() {
    Random random = new Random(7);
    wire.change =
        answer -> {
          byte[] bytes = new byte[5000];
          random.nextBytes(bytes);
          return new String(bytes, StandardCharsets.ISO_8859_1) + "\n" + answer;
        };
    try (AgentLink link = AgentLink.open(wire, LONG)) {
      for (int i = 0; i < 20; i++) {
        assertThat(link.ask(new AgentRequest.Quiescence(List.of("do_sys_poll")), LONG).found())
            .isEqualTo(1);
      }
    }
  }

  private void assertFails(Kind kind, Duration limit) {
    assertThatThrownBy(() -> AgentLink.open(wire, limit))
        .isInstanceOfSatisfying(AgentException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    assertThat(wire.closed).isTrue();
  }
}
