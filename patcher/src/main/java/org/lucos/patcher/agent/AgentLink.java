package org.lucos.patcher.agent;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.domain.GuestChannel;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.patcher.agent.AgentException.Kind;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A conversation with the agent of a guest. Whatever is at the other end, each question ends within
 * its limit, with an answer or an {@link AgentException}, and takes no more than a few lines'
 * memory. Not thread-safe.
 */
public final class AgentLink implements AutoCloseable {
  /** The channel's name in the domain's description. */
  public static final String CHANNEL = "org.lucos.agent.0";

  private static final Logger LOG = LoggerFactory.getLogger(AgentLink.class);
  private static final List<Integer> PROTOCOLS = List.of(1);

  /** What may come before an answer: of an earlier conversation, or for nothing. */
  private static final int MOST_NOISE = 16 * AnswerReader.LONGEST;

  private static final Duration SEND_LIMIT = Duration.ofMillis(200);

  private final GuestChannel channel;
  private final byte[] input = new byte[AnswerReader.LONGEST];
  private int used;
  private boolean skipping;
  private boolean babbles;
  private long lastId;
  private final AgentAnswer.Hello hello;

  private AgentLink(GuestChannel channel, Duration limit) {
    this.channel = channel;
    // Answers to whoever spoke before us have other numbers.
    this.lastId = (System.nanoTime() & 0xff_ffff_ffffL) << 8;
    // An empty line ends what another may have left half said.
    send(new byte[] {'\n'}, least(limit, SEND_LIMIT));
    this.hello = ask(new AgentRequest.Hello(PROTOCOLS), limit);
  }

  /**
   * Speaks to the agent of a domain.
   *
   * @throws AgentException if none answers within {@code limit}
   */
  public static AgentLink open(GuestDomain domain, Duration limit) {
    return open(
        domain
            .channel(CHANNEL)
            .orElseThrow(
                () ->
                    new AgentException(
                        Kind.ABSENT,
                        "domain '"
                            + domain.identity().name()
                            + "' has no channel "
                            + CHANNEL
                            + " that somebody in the guest has opened")),
        limit);
  }

  /** The same over a channel that is open; it is closed with the link, also if this fails. */
  public static AgentLink open(GuestChannel channel, Duration limit) {
    try {
      return new AgentLink(channel, limit);
    } catch (RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** What it said first. */
  public AgentAnswer.Hello hello() {
    return hello;
  }

  /** Makes it leave a system call; its answer is not waited for. */
  public void nudge() {
    send(new AgentRequest.Nudge().line(++lastId), Duration.ofMillis(5));
  }

  /**
   * Asks.
   *
   * @throws AgentException if no answer comes, or one that is none
   */
  public <A extends AgentAnswer> A ask(AgentRequest<A> request, Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    long id = ++lastId;
    byte[] line = request.line(id);
    if (line.length > AnswerReader.LONGEST) {
      throw new AgentException(Kind.UNWILLING, "the question is too long for the agent");
    }
    send(line, least(limit, SEND_LIMIT));
    int noise = 0;
    babbles = false;
    while (true) {
      int length = nextLine(deadline, request, limit);
      if (length > 0) {
        noise += length + 1;
        babbles |= noise > AnswerReader.LONGEST;
        A answer = answer(request, id, length);
        consume(length + 1);
        if (answer != null) {
          return answer;
        }
      } else {
        consume(1);
      }
      if (noise > MOST_NOISE) {
        throw new AgentException(Kind.NONSENSE, "the agent floods the wire");
      }
    }
  }

  /**
   * Brings a program along, for the next {@link AgentRequest.Brought}.
   *
   * @param limit for each part of it
   * @throws AgentException if it is not taken
   */
  public void bring(Bytes program, Duration limit) {
    if (!hello.capabilities().contains("programs")) {
      throw new AgentException(Kind.UNWILLING, "the agent takes no programs of the host's");
    }
    int size = program.size();
    for (int at = 0; at < size; at += AgentRequest.ProgramPart.LARGEST) {
      int end = Math.min(size, at + AgentRequest.ProgramPart.LARGEST);
      AgentAnswer.Job taken =
          part(new AgentRequest.ProgramPart(at, size, program.slice(at, end)), limit);
      if (!taken.passed()) {
        throw new AgentException(
            Kind.UNWILLING, "the agent takes the program only to byte " + at + ": " + taken.code());
      }
    }
  }

  /** Whoever does not take a part in time is lost: there is no probe yet that could be slow. */
  private AgentAnswer.Job part(AgentRequest.ProgramPart part, Duration limit) {
    try {
      return ask(part, limit);
    } catch (AgentException e) {
      throw e.kind() == Kind.SILENT
          ? new AgentException(Kind.ABSENT, String.valueOf(e.getMessage()), e)
          : e;
    }
  }

  /** Null if the line is not about this request. */
  private <A extends AgentAnswer> @Nullable A answer(AgentRequest<A> request, long id, int length) {
    AnswerReader.Line line;
    try {
      line = AnswerReader.line(input, length);
    } catch (MalformedDataException e) {
      LOG.debug("not an answer of the agent's: {}", e.getMessage());
      babbles = true;
      return null; // half a line of an earlier conversation, or noise
    }
    if (line.id() != id) {
      return null;
    }
    if (line.isRefused()) {
      throw new AgentException(Kind.UNWILLING, "the agent says " + line.refusal());
    }
    try {
      return request.answer(line.body());
    } catch (MalformedDataException e) {
      throw new AgentException(Kind.NONSENSE, "the agent's answer is none: " + e.getMessage(), e);
    }
  }

  /** The length of the line at the beginning of the input, without its newline. */
  private int nextLine(long deadline, AgentRequest<?> request, Duration limit) {
    int searched = 0;
    int discarded = 0;
    while (true) {
      for (; searched < used; searched++) {
        if (input[searched] == '\n') {
          if (!skipping) {
            return searched;
          }
          skipping = false;
          consume(searched + 1);
          searched = -1;
        }
      }
      if (used == input.length) {
        skipping = true; // too long for a line: all up to its end is passed over
      }
      if (skipping) {
        discarded += used;
        used = 0;
        searched = 0;
      }
      if (discarded > MOST_NOISE) {
        throw new AgentException(Kind.NONSENSE, "the agent floods the wire");
      }
      Duration left = Duration.ofNanos(deadline - System.nanoTime());
      if (left.isNegative() || left.isZero()) {
        throw new AgentException(
            babbles || discarded > 0 ? Kind.NONSENSE : Kind.SILENT,
            "no answer of the agent's to "
                + request.word()
                + " within "
                + limit.toMillis()
                + " ms");
      }
      receive(left);
    }
  }

  private void receive(Duration limit) {
    byte[] part = new byte[Math.min(4096, input.length - used)];
    try {
      int count = channel.receive(part, limit);
      System.arraycopy(part, 0, input, used, count);
      used += count;
    } catch (IOException e) {
      throw new AgentException(Kind.ABSENT, "the agent's channel is gone: " + e.getMessage(), e);
    }
  }

  private void consume(int count) {
    System.arraycopy(input, count, input, 0, used - count);
    used -= count;
  }

  private static Duration least(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  private void send(byte[] bytes, Duration limit) {
    try {
      channel.send(bytes, limit);
    } catch (IOException e) {
      throw new AgentException(Kind.ABSENT, "the agent takes no question: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    channel.close();
  }
}
