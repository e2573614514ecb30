package org.lucos.patcher.agent;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.lucos.patcher.bytes.Bytes;

/**
 * What the agent can be asked.
 *
 * @param <A> how it answers
 */
public sealed interface AgentRequest<A extends AgentAnswer> {
  /** The word for it in the protocol. */
  String word();

  /**
   * Reads an answer to it.
   *
   * @throws org.lucos.patcher.bytes.MalformedDataException if it is none
   */
  A answer(JsonNode body);

  /** Adds what belongs to it. */
  default void describe(ObjectNode request) {}

  /** Which protocols are spoken here. */
  record Hello(List<Integer> protocols) implements AgentRequest<AgentAnswer.Hello> {
    /** Copies the list. */
    public Hello {
      protocols = List.copyOf(protocols);
    }

    @Override
    public String word() {
      return "hello";
    }

    @Override
    public AgentAnswer.Hello answer(JsonNode body) {
      return AnswerReader.hello(this, body);
    }

    @Override
    public void describe(ObjectNode request) {
      ArrayNode numbers = request.putArray("protocols");
      protocols.forEach(numbers::add);
    }
  }

  /** Whether it is there. */
  record Ping() implements AgentRequest<AgentAnswer.Pong> {
    @Override
    public String word() {
      return "ping";
    }

    @Override
    public AgentAnswer.Pong answer(JsonNode body) {
      return new AgentAnswer.Pong();
    }
  }

  /** To pass by the exit to user mode. */
  record Nudge() implements AgentRequest<AgentAnswer.Pong> {
    @Override
    public String word() {
      return "nudge";
    }

    @Override
    public AgentAnswer.Pong answer(JsonNode body) {
      return new AgentAnswer.Pong();
    }
  }

  /** What it knows of its kernel. */
  record Facts() implements AgentRequest<AgentAnswer.Facts> {
    @Override
    public String word() {
      return "facts";
    }

    @Override
    public AgentAnswer.Facts answer(JsonNode body) {
      return AnswerReader.facts(body);
    }
  }

  /** What its kernel has complained of. */
  record KernelLog() implements AgentRequest<AgentAnswer.KernelLog> {
    @Override
    public String word() {
      return "kernel-log";
    }

    @Override
    public AgentAnswer.KernelLog answer(JsonNode body) {
      return AnswerReader.kernelLog(body);
    }
  }

  /**
   * Which tasks are inside of functions.
   *
   * @param functions at most 64 names
   */
  record Quiescence(List<String> functions) implements AgentRequest<AgentAnswer.Quiescence> {
    /** Copies the list. */
    public Quiescence {
      functions = List.copyOf(functions);
    }

    @Override
    public String word() {
      return "quiescence";
    }

    @Override
    public AgentAnswer.Quiescence answer(JsonNode body) {
      return AnswerReader.quiescence(this, body);
    }

    @Override
    public void describe(ObjectNode request) {
      ArrayNode names = request.putArray("functions");
      functions.forEach(names::add);
    }
  }

  /**
   * A look at whether something works.
   *
   * @param what is looked at
   * @param limit at most a minute
   */
  record Probe(Target what, Duration limit) implements AgentRequest<AgentAnswer.Job> {
    @Override
    public String word() {
      return "probe";
    }

    @Override
    public AgentAnswer.Job answer(JsonNode body) {
      return AnswerReader.job(body);
    }

    @Override
    public void describe(ObjectNode request) {
      what.describe(request);
      request.put("limit", limit.toMillis());
    }
  }

  /** What a probe looks at. */
  sealed interface Target {
    /** Adds what belongs to it. */
    void describe(ObjectNode request);
  }

  /** Whether a TCP port of an IPv4 or IPv6 address, as the guest sees it, takes connections. */
  record TcpPort(String address, int port) implements Target {
    @Override
    public void describe(ObjectNode request) {
      request.put("kind", "tcp").put("address", address).put("port", port);
    }
  }

  /** Whether a file of the guest can be read. */
  record ReadableFile(String path) implements Target {
    @Override
    public void describe(ObjectNode request) {
      request.put("kind", "file").put("path", path);
    }
  }

  /** How a program of the guest ends; the first word is its path. */
  record Command(List<String> words) implements Target {
    /** Copies the list. */
    public Command {
      words = List.copyOf(words);
    }

    @Override
    public void describe(ObjectNode request) {
      ArrayNode array = request.put("kind", "command").putArray("words");
      words.forEach(array::add);
    }
  }

  /**
   * How a program ends that {@link ProgramPart} has brought along; the first word is what it is
   * called.
   */
  record Brought(List<String> words) implements Target {
    /** Copies the list. */
    public Brought {
      words = List.copyOf(words);
    }

    @Override
    public void describe(ObjectNode request) {
      ArrayNode array = request.put("kind", "program").putArray("words");
      words.forEach(array::add);
    }
  }

  /**
   * A part of a program that the next {@link Brought} runs, once.
   *
   * @param offset of it; the parts come in order
   * @param total size of the program; with 0 what was brought is taken away
   * @param bytes at most {@link #LARGEST}
   */
  record ProgramPart(int offset, int total, Bytes bytes) implements AgentRequest<AgentAnswer.Job> {
    /** The agent takes no more at once. */
    static final int LARGEST = 16 << 10;

    @Override
    public String word() {
      return "program";
    }

    @Override
    public AgentAnswer.Job answer(JsonNode body) {
      return AnswerReader.job(body);
    }

    @Override
    public void describe(ObjectNode request) {
      request.put("offset", offset).put("total", total).put("bytes", bytes.toArray());
    }
  }

  /**
   * To stop all tasks of a control group.
   *
   * @param cgroup its path below the root of the hierarchy, such as {@code machine.slice/a}
   * @param limit when the agent lets them run by itself; at most {@link #LONGEST}
   */
  record Freeze(String cgroup, Duration limit) implements AgentRequest<AgentAnswer.Job> {
    /** The agent takes no longer limit. */
    public static final Duration LONGEST = Duration.ofSeconds(10);

    @Override
    public String word() {
      return "freeze";
    }

    @Override
    public AgentAnswer.Job answer(JsonNode body) {
      return AnswerReader.job(body);
    }

    @Override
    public void describe(ObjectNode request) {
      request.put("cgroup", cgroup).put("limit", limit.toMillis());
    }
  }

  /** To let them run. */
  record Thaw(String cgroup) implements AgentRequest<AgentAnswer.Job> {
    @Override
    public String word() {
      return "thaw";
    }

    @Override
    public AgentAnswer.Job answer(JsonNode body) {
      return AnswerReader.job(body);
    }

    @Override
    public void describe(ObjectNode request) {
      request.put("cgroup", cgroup);
    }
  }

  /** The request as a line, its newline included. */
  default byte[] line(long id) {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode request = mapper.createObjectNode();
    request.put("id", id).put("do", word());
    describe(request);
    try {
      return (mapper.writeValueAsString(request) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a request that is no JSON", e);
    }
  }
}
