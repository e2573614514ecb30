package org.lucos.bridge.qemu;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.lucos.bridge.domain.DomainIdentity;

/** A domain whose monitor answers as told. */
final class FakeControl implements DomainControl {
  static final DomainIdentity IDENTITY =
      new DomainIdentity("guest", UUID.fromString("057344d5-cd5b-4c4d-b2cc-96c7678c96a8"), 1);

  final List<String> commands = new ArrayList<>();
  Optional<String> job = Optional.empty();
  boolean closed;
  private final UnaryOperator<String> answers;

  FakeControl(UnaryOperator<String> answers) {
    this.answers = answers;
  }

  /** A running guest without peculiarities, as far as it is asked by QMP. */
  static String healthy(String command) {
    return switch (command.replaceAll(".*\"execute\":\"([a-z-]+)\".*", "$1")) {
      case "query-status" -> "{\"return\":{\"status\":\"running\",\"running\":true}}";
      case "query-migrate" -> "{\"return\":{}}";
      case "query-sev" -> "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no SEV\"}}";
      case "query-chardev" -> "{\"return\":[{\"label\":\"charmonitor\",\"filename\":\"unix:x\"}]}";
      case "query-version" -> "{\"return\":{\"qemu\":{\"micro\":22,\"minor\":2,\"major\":7}}}";
      case "query-kvm" -> "{\"return\":{\"enabled\":false,\"present\":true}}";
      case "query-cpus-fast" -> "{\"return\":[{},{}]}";
      default -> "unknown command\r\n";
    };
  }

  @Override
  public DomainIdentity identity() {
    return IDENTITY;
  }

  @Override
  public String monitor(String command, Language language) {
    commands.add(command);
    return answers.apply(command);
  }

  @Override
  public String guestAgent(String command, Duration limit) {
    commands.add(command);
    return answers.apply(command);
  }

  @Override
  public Optional<String> activeJob() {
    return job;
  }

  @Override
  public void cancelJob() {
    job = Optional.empty();
    commands.add("cancel");
  }

  @Override
  public void close() {
    closed = true;
  }
}
