package org.lucos.bridge.qemu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;

/** QEMU's monitor, asked through whoever manages the domain. */
final class QemuMonitor {
  private static final Pattern HOST_ADDRESS =
      Pattern.compile("Host virtual address for 0x[0-9a-f]+ \\(.*\\) is 0x([0-9a-f]{1,16})\\s*");

  private final DomainControl control;
  private final ObjectMapper json = new ObjectMapper();

  QemuMonitor(DomainControl control) {
    this.control = control;
  }

  /** What {@code query-status} tells. */
  record Status(DomainState state, String word) {
    /** Whether the guest is stopped as by a debugger or an operator, and may simply be let run. */
    boolean resumable() {
      return word.equals("paused") || word.equals("debug");
    }

    /** Whether memory is on its way elsewhere, or from there: what is written now may be lost. */
    boolean inTransit() {
      return switch (word) {
        case "inmigrate", "postmigrate", "finish-migrate", "save-vm", "restore-vm" -> true;
        default -> false;
      };
    }
  }

  /** A character device of QEMU. */
  record CharacterDevice(String label, String filename) {
    /** Whether it is a socket that nobody is connected to. */
    boolean disconnected() {
      return filename.startsWith("disconnected:");
    }
  }

  /**
   * Runs a QMP command without arguments and returns what it returned.
   *
   * @throws DomainRefusedException if it answers with an error
   */
  JsonNode qmp(String command) {
    JsonNode reply = answer(command);
    JsonNode result = reply.get("return");
    if (result == null) {
      throw failure(command, reply.toString());
    }
    return result;
  }

  /** As {@link #qmp}, empty if QEMU answers with an error, as for a command it does not have. */
  Optional<JsonNode> tryQmp(String command) {
    return Optional.ofNullable(answer(command).get("return"));
  }

  private JsonNode answer(String command) {
    String reply = control.monitor("{\"execute\":\"" + command + "\"}", DomainControl.Language.QMP);
    try {
      JsonNode tree = json.readTree(reply);
      if (tree == null || !tree.isObject()) {
        throw failure(command, "not a JSON object: " + reply);
      }
      return tree;
    } catch (JsonProcessingException e) {
      throw new DomainRefusedException(
          new DomainRefusal.HypervisorFailure("QMP " + command, "not JSON: " + reply), e);
    }
  }

  /** Runs a line of the human monitor and returns what it prints. */
  String hmp(String line) {
    return control.monitor(line, DomainControl.Language.HMP);
  }

  /** What the machine is doing, straight from QEMU. */
  Status status() {
    String word = qmp("query-status").path("status").asText("");
    DomainState state =
        switch (word) {
          case "running" -> DomainState.RUNNING;
          case "suspended" -> DomainState.SUSPENDED;
          case "guest-panicked" -> DomainState.CRASHED;
          case "shutdown", "internal-error" -> DomainState.ENDING;
          default -> DomainState.PAUSED;
        };
    return new Status(state, word);
  }

  /** The state word of a migration that goes on; empty if none does. */
  Optional<String> activeMigration() {
    String word = qmp("query-migrate").path("status").asText("none");
    return switch (word) {
      case "none", "completed", "failed", "cancelled" -> Optional.empty();
      default -> Optional.of(word);
    };
  }

  /** Whether AMD SEV encrypts guest memory; false where QEMU knows no SEV. */
  boolean encrypted() {
    return tryQmp("query-sev").map(sev -> sev.path("enabled").asBoolean()).orElse(false);
  }

  /** The character device of QEMU's gdbstub, if one is open. */
  Optional<CharacterDevice> gdbDevice() {
    for (JsonNode device : qmp("query-chardev")) {
      if (device.path("label").asText().equals("gdb")) {
        return Optional.of(new CharacterDevice("gdb", device.path("filename").asText()));
      }
    }
    return Optional.empty();
  }

  /** QEMU's own address of the byte of RAM at {@code physical}. */
  long hostAddress(long physical) {
    String command = "gpa2hva 0x" + Long.toHexString(physical);
    String reply = hmp(command);
    Matcher matcher = HOST_ADDRESS.matcher(reply);
    if (!matcher.matches()) {
      throw failure(command, reply.strip());
    }
    return Long.parseUnsignedLong(matcher.group(1), 16);
  }

  /** QEMU's version, such as {@code QEMU 7.2.22}. */
  String version() {
    JsonNode version = qmp("query-version").path("qemu");
    return String.format(
        Locale.ROOT,
        "QEMU %d.%d.%d",
        version.path("major").asInt(),
        version.path("minor").asInt(),
        version.path("micro").asInt());
  }

  /** {@code kvm} or {@code tcg}. */
  String accelerator() {
    return qmp("query-kvm").path("enabled").asBoolean() ? "kvm" : "tcg";
  }

  /** How many vCPUs are online. */
  int vcpus() {
    return qmp("query-cpus-fast").size();
  }

  private static DomainRefusedException failure(String command, String detail) {
    return new DomainRefusedException(
        new DomainRefusal.HypervisorFailure("monitor command '" + command + "'", detail));
  }
}
