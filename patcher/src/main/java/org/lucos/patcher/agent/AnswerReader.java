package org.lucos.patcher.agent;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * Reads lines that an agent wrote. Total: any bytes give an answer, a refusal, or a {@link
 * MalformedDataException}; what does not keep to the protocol's limits is the latter. Fields that
 * are not known are passed over: a later agent may say more.
 */
final class AnswerReader {
  /** The longest line, its newline included. */
  static final int LONGEST = 1 << 16;

  private static final int MOST_NAMES = 64;
  private static final int LONGEST_NAME = 256;
  private static final int LONGEST_OUTPUT = 8192;
  private static final Set<String> OUTCOMES =
      Set.of("passed", "failed", "exited", "signalled", "timed-out", "refused");
  private static final Set<String> KINDS =
      Set.of("panic", "oops", "bug", "warning", "lockup", "stall", "hung-task");

  private static final ObjectMapper MAPPER =
      new ObjectMapper(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(16)
                          .maxDocumentLength(LONGEST)
                          .maxStringLength(LONGEST)
                          .maxNumberLength(20)
                          .maxNameLength(64)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private AnswerReader() {}

  /**
   * A line.
   *
   * @param id the request it answers; 0 if the agent could not tell
   * @param refusal why it was not done; empty if it was
   */
  record Line(long id, JsonNode body, String refusal) {
    boolean isRefused() {
      return !refusal.isEmpty();
    }
  }

  static Line line(byte[] bytes, int length) {
    if (length >= LONGEST) {
      throw new MalformedDataException("agent", LONGEST, "line too long");
    }
    JsonNode root;
    try {
      root = MAPPER.readTree(bytes, 0, length);
    } catch (IOException e) {
      throw new MalformedDataException(
          "agent", 0, "no JSON (" + e.getClass().getSimpleName() + ")");
    }
    if (root == null || !root.isObject()) {
      throw malformed("an object is expected");
    }
    long id = number(root, "id", 0, 1L << 53);
    if (root.has("ok") == root.has("error")) {
      throw malformed("ok or error is expected, and not both");
    }
    if (root.has("ok")) {
      return new Line(id, object(root, "ok"), "");
    }
    JsonNode error = object(root, "error");
    String code = text(error, "code", 32);
    return new Line(id, error, code + ": " + text(error, "text", LONGEST_NAME));
  }

  static AgentAnswer.Hello hello(AgentRequest.Hello asked, JsonNode body) {
    int protocol = (int) number(body, "protocol", 1, 1000);
    if (!asked.protocols().contains(protocol)) {
      throw malformed("protocol " + protocol + " was not offered");
    }
    return new AgentAnswer.Hello(
        protocol,
        text(body, "agent", 64),
        (int) number(body, "pid", 1, 1 << 22), // PID_MAX_LIMIT
        names(body, "capabilities"));
  }

  static AgentAnswer.Facts facts(JsonNode body) {
    return new AgentAnswer.Facts(
        text(body, "bootId", 64),
        text(body, "release", LONGEST_NAME),
        number(body, "tainted", 0, Long.MAX_VALUE),
        names(body, "livepatches"),
        text(body, "tracer", LONGEST_NAME),
        (int) number(body, "tracedFunctions", -1, 1 << 24),
        (int) number(body, "kprobes", -1, 1 << 24),
        text(body, "lockdown", LONGEST_NAME),
        text(body, "secureBoot", 16));
  }

  static AgentAnswer.Quiescence quiescence(AgentRequest.Quiescence asked, JsonNode body) {
    return new AgentAnswer.Quiescence(
        count(body, "tasks"),
        count(body, "kernelThreads"),
        count(body, "uninterruptible"),
        count(body, "unreadable"),
        count(body, "found"),
        list(
            body,
            "inside",
            128,
            task -> {
              String function = text(task, "function", LONGEST_NAME);
              if (!asked.functions().contains(function)) {
                throw malformed("function was not asked for");
              }
              return new AgentAnswer.Inside(
                  (int) number(task, "pid", 0, 1 << 22),
                  (int) number(task, "tid", 0, 1 << 22),
                  text(task, "comm", 64),
                  text(task, "state", 1),
                  flag(task, "kernelThread"),
                  function,
                  text(task, "waitsIn", LONGEST_NAME),
                  number(task, "switches", -1, Long.MAX_VALUE),
                  names(task, "stack"));
            }));
  }

  static AgentAnswer.KernelLog kernelLog(JsonNode body) {
    return new AgentAnswer.KernelLog(
        list(
            body,
            "incidents",
            MOST_NAMES,
            incident ->
                new AgentAnswer.Incident(
                    word(incident, "kind", KINDS),
                    text(incident, "text", LONGEST_NAME),
                    number(incident, "first", 0, Long.MAX_VALUE),
                    number(incident, "last", 0, Long.MAX_VALUE),
                    number(incident, "count", 1, Long.MAX_VALUE))),
        number(body, "more", 0, Long.MAX_VALUE),
        number(body, "lost", 0, Long.MAX_VALUE));
  }

  static AgentAnswer.Job job(JsonNode body) {
    return new AgentAnswer.Job(
        flag(body, "passed"),
        word(body, "outcome", OUTCOMES),
        (int) number(body, "code", Integer.MIN_VALUE, Integer.MAX_VALUE),
        (int) number(body, "milliseconds", 0, Integer.MAX_VALUE),
        text(body, "output", LONGEST_OUTPUT));
  }

  private static int count(JsonNode node, String field) {
    return (int) number(node, field, 0, 1 << 20);
  }

  private static long number(JsonNode node, String field, long least, long most) {
    JsonNode value = node.path(field);
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw malformed(field + ": a whole number is expected");
    }
    if (value.asLong() < least || value.asLong() > most) {
      throw malformed(field + ": out of range: " + value.asLong());
    }
    return value.asLong();
  }

  private static boolean flag(JsonNode node, String field) {
    if (!node.path(field).isBoolean()) {
      throw malformed(field + ": true or false is expected");
    }
    return node.path(field).asBoolean();
  }

  private static String word(JsonNode node, String field, Set<String> words) {
    String text = text(node, field, 32);
    if (!words.contains(text)) {
      throw malformed(field + ": unknown word");
    }
    return text;
  }

  private static String text(JsonNode node, String field, int longest) {
    return checked(node.path(field), field, longest);
  }

  /** Printable ASCII, newline and tab: what is said to people does not command their terminal. */
  private static String checked(JsonNode value, String what, int longest) {
    String text = value.textValue();
    if (text == null || text.length() > longest) {
      throw malformed(what + ": a text of at most " + longest + " characters is expected");
    }
    if (!text.chars().allMatch(c -> (c >= ' ' && c <= '~') || c == '\n' || c == '\t')) {
      throw malformed(what + ": characters that are not printable");
    }
    return text;
  }

  private static List<String> names(JsonNode node, String field) {
    JsonNode names = node.path(field);
    if (!names.isArray() || names.size() > MOST_NAMES) {
      throw malformed(field + ": at most " + MOST_NAMES + " texts are expected");
    }
    List<String> result = new ArrayList<>();
    names.forEach(name -> result.add(checked(name, field, LONGEST_NAME)));
    return result;
  }

  private static <T> List<T> list(
      JsonNode node, String field, int most, Function<JsonNode, T> element) {
    JsonNode list = node.path(field);
    if (!list.isArray() || list.size() > most) {
      throw malformed(field + ": at most " + most + " objects are expected");
    }
    List<T> result = new ArrayList<>();
    list.forEach(each -> result.add(element.apply(each)));
    return result;
  }

  private static JsonNode object(JsonNode node, String field) {
    if (!node.path(field).isObject()) {
      throw malformed(field + ": an object is expected");
    }
    return node.path(field);
  }

  private static MalformedDataException malformed(String problem) {
    return new MalformedDataException("agent", 0, problem);
  }
}
