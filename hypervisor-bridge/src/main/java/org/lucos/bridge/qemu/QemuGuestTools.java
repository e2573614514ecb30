package org.lucos.bridge.qemu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestTools;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code qemu-guest-agent}, asked through whoever manages the domain. Its commands are those of
 * QEMU's {@code qga/qapi-schema.json}.
 */
final class QemuGuestTools implements GuestTools {
  private static final Logger LOG = LoggerFactory.getLogger(QemuGuestTools.class);
  private static final Duration LIMIT = Duration.ofSeconds(5);
  private static final int LONGEST_OUTPUT = 8 << 10;
  private static final int LONGEST_VERSION = 40;
  private static final List<String> NEEDED = List.of("guest-exec", "guest-exec-status");

  private final DomainControl control;
  private final ObjectMapper json = new ObjectMapper();
  private String version = "";

  private QemuGuestTools(DomainControl control) {
    this.control = control;
  }

  /** The tools of a domain, if they answer and run programs. */
  static Optional<GuestTools> of(DomainControl control) {
    QemuGuestTools tools = new QemuGuestTools(control);
    try {
      JsonNode info = tools.ask("guest-info", arguments -> {});
      if (!NEEDED.stream().allMatch(command -> isEnabled(info, command))) {
        LOG.info("qemu-guest-agent runs no programs: domain={}", control.identity().name());
        return Optional.empty();
      }
      tools.version = printable(info.path("version").asText(), LONGEST_VERSION);
      return Optional.of(tools);
    } catch (DomainRefusedException e) {
      LOG.info("no qemu-guest-agent: {}", e.getMessage());
      return Optional.empty();
    }
  }

  private static boolean isEnabled(JsonNode info, String command) {
    for (JsonNode each : info.path("supported_commands")) {
      if (each.path("name").asText().equals(command)) {
        return each.path("enabled").asBoolean();
      }
    }
    return false;
  }

  @Override
  public String name() {
    return "qemu-guest-agent " + version;
  }

  @Override
  public long start(List<String> words) {
    JsonNode started =
        ask(
            "guest-exec",
            arguments -> {
              arguments.put("path", words.get(0)).put("capture-output", true);
              ArrayNode rest = arguments.putArray("arg");
              words.subList(1, words.size()).forEach(rest::add);
            });
    JsonNode id = started.path("pid");
    if (!id.canConvertToLong()) {
      throw failure("guest-exec", "it names no process");
    }
    return id.longValue();
  }

  @Override
  public Optional<Ended> ended(long program) {
    JsonNode status = ask("guest-exec-status", arguments -> arguments.put("pid", program));
    if (!status.path("exited").asBoolean()) {
      return Optional.empty();
    }
    OptionalInt exitCode = number(status.path("exitcode"));
    OptionalInt signal = number(status.path("signal"));
    if (exitCode.isEmpty() == signal.isEmpty()) {
      throw failure("guest-exec-status", "the program ended neither by itself nor by a signal");
    }
    String output = text(status.path("out-data")) + text(status.path("err-data"));
    return Optional.of(
        new Ended(
            exitCode, signal, output.substring(0, Math.min(LONGEST_OUTPUT, output.length()))));
  }

  @Override
  public void ping() {
    ask("guest-ping", arguments -> {});
  }

  private JsonNode ask(String command, Consumer<ObjectNode> arguments) {
    ObjectNode question = json.createObjectNode().put("execute", command);
    arguments.accept(question.putObject("arguments"));
    String answer = control.guestAgent(question.toString(), LIMIT);
    try {
      JsonNode tree = json.readTree(answer);
      JsonNode result = tree == null ? null : tree.get("return");
      if (result == null) {
        throw failure(command, "no answer in " + printable(answer, LONGEST_VERSION));
      }
      return result;
    } catch (JsonProcessingException e) {
      throw failure(command, "not JSON: " + printable(answer, LONGEST_VERSION));
    }
  }

  private static OptionalInt number(JsonNode node) {
    return node.canConvertToInt() && node.isIntegralNumber()
        ? OptionalInt.of(node.intValue())
        : OptionalInt.empty();
  }

  /** What the guest has as Base64, which it may not be. */
  private static String text(JsonNode node) {
    String encoded = node.asText("");
    String beginning = encoded.substring(0, Math.min(encoded.length(), 2 * LONGEST_OUTPUT));
    try {
      return new String(Base64.getMimeDecoder().decode(beginning), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return "";
    }
  }

  private static String printable(String text, int most) {
    return text.substring(0, Math.min(most, text.length())).replaceAll("[^ -~]", "?");
  }

  private static DomainRefusedException failure(String command, String detail) {
    return new DomainRefusedException(
        new DomainRefusal.HypervisorFailure("asking qemu-guest-agent: " + command, detail));
  }
}
