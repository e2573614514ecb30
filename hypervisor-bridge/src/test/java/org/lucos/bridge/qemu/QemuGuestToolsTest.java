package org.lucos.bridge.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestTools;

class QemuGuestToolsTest {
  private static final String INFO =
      "{\"return\":{\"version\":\"7.2.17\",\"supported_commands\":["
          + "{\"name\":\"guest-exec\",\"enabled\":true},"
          + "{\"name\":\"guest-exec-status\",\"enabled\":true}]}}";

  private final Map<String, String> answers = new HashMap<>(Map.of("guest-info", INFO));
  private final FakeControl control =
      new FakeControl(
          command ->
              answers.getOrDefault(
                  command.replaceAll(".*\"execute\":\"([a-z-]+)\".*", "$1"), "{\"return\":{}}"));

  private GuestTools tools() {
    return QemuGuestTools.of(control).orElseThrow();
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void programIsStartedAndItsEndTold() {
    answers.put("guest-exec", "{\"return\":{\"pid\":4711}}");
    answers.put("guest-exec-status", "{\"return\":{\"exited\":false}}");
    GuestTools tools = tools();
    assertThat(tools.name()).isEqualTo("qemu-guest-agent 7.2.17");
    assertThat(tools.start(List.of("/bin/sh", "-c", "echo \"x\""))).isEqualTo(4711);
    assertThat(control.commands)
        .last()
        .asString()
        .contains("\"path\":\"/bin/sh\"", "\"arg\":[\"-c\",\"echo \\\"x\\\"\"]");
    assertThat(tools.ended(4711)).isEmpty();
    answers.put(
        "guest-exec-status",
        "{\"return\":{\"exited\":true,\"exitcode\":3,\"out-data\":\""
            + base64("out")
            + "\",\"err-data\":\""
            + base64("err")
            + "\"}}");
    assertThat(tools.ended(4711))
        .hasValue(new GuestTools.Ended(OptionalInt.of(3), OptionalInt.empty(), "outerr"));
    answers.put("guest-exec-status", "{\"return\":{\"exited\":true,\"signal\":9}}");
    assertThat(tools.ended(4711).orElseThrow().signal()).hasValue(9);
  }

  @Test
  void toolsThatRunNoProgramsAreNone() {
    answers.put("guest-info", INFO.replaceFirst("true", "false"));
    assertThat(QemuGuestTools.of(control)).isEmpty();
    answers.put("guest-info", "{\"return\":{}}");
    assertThat(QemuGuestTools.of(control)).isEmpty();
    answers.put("guest-info", "{\"error\":{\"class\":\"CommandNotFound\"}}");
    assertThat(QemuGuestTools.of(control)).isEmpty();
    answers.put("guest-info", "");
    assertThat(QemuGuestTools.of(control)).isEmpty();
  }

  @Test
  void whateverTheGuestSaysIsAnEndOrARefusal() {
    GuestTools tools = tools();
    answers.put("guest-exec", "{\"return\":{\"pid\":\"x\"}}");
    assertThatThrownBy(() -> tools.start(List.of("/bin/true")))
        .isInstanceOf(DomainRefusedException.class);
    for (String end : List.of("", ",\"exitcode\":\"0\"", ",\"exitcode\":0,\"signal\":9")) {
      answers.put("guest-exec-status", "{\"return\":{\"exited\":true" + end + "}}");
      assertThatThrownBy(() -> tools.ended(1)).hasMessageContaining("neither");
    }
    String status =
        "{\"return\":{\"exited\":true,\"exitcode\":1,\"out-data\":\""
            + base64("\u00e9x".repeat(20_000))
            + "\"}}";
    answers.put("guest-exec-status", status);
    assertThat(tools.ended(1).orElseThrow().output()).hasSize(8 << 10);
    Random random = new Random(7);
    for (int i = 0; i < 5_000; i++) {
      StringBuilder hostile = new StringBuilder(status.substring(0, 120) + "\"}}");
      for (int j = 0; j < 4; j++) {
        hostile.setCharAt(random.nextInt(hostile.length()), (char) random.nextInt(0x180));
      }
      answers.put("guest-exec-status", hostile.toString());
      try {
        tools.ended(1).ifPresent(ended -> assertThat(ended.output()).hasSizeLessThan(8193));
      } catch (DomainRefusedException e) {
        assertThat(e).hasMessageContaining("qemu-guest-agent");
      }
    }
  }
}
