package org.lucos.patcher.transaction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.PatchVariant.CallbackKind;
import org.lucos.patcher.bytes.MalformedDataException;

class LedgerTest {
  private static final Ledger LEDGER =
      new Ledger(
          Ledger.FORMAT,
          "größer-fix",
          "what it is for",
          List.of("CVE-2026-1"),
          "lucos 1",
          "2026-11-20T00:00:00Z",
          List.of(
              new Ledger.Target(
                  "f", "f", 0xffffffff81000005L, "5548 89e541".replace(" ", ""), List.of(), "", ""),
              new Ledger.Target(
                  "g", "g", 0xffffffff81000105L, "e900000000", List.of(), "lucos_a", "554889e541")),
          List.of(),
          List.of(
              new Ledger.Callback(
                  CallbackKind.PRE_PATCH, "ready", "", "lucos_run_pre_patch", "lucos_slot")),
          List.of(
              new Ledger.PatchedModule(
                  "m", 0xffffffffc0002000L, new Ledger.Code(0xffffffffc0000000L, 4096))),
          List.of("another"),
          true);

  @Test
  void comesBackAsItWasWritten() {
    byte[] encoded = LEDGER.encode();
    assertThat(encoded[encoded.length - 1]).isZero();
    String text = new String(encoded, 0, encoded.length - 1, StandardCharsets.ISO_8859_1);
    assertThat(Ledger.decode("test", text)).isEqualTo(LEDGER);
  }

  @Test
  void unknownFieldsAreLeftAloneAndUnknownFormatsRefused() {
    String text = text();
    assertThat(Ledger.decode("test", text.replaceFirst("\\{", "{\"later\":1,"))).isEqualTo(LEDGER);
    assertThatThrownBy(() -> Ledger.decode("test", text.replace("\"format\":1", "\"format\":9")))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("format 9");
  }

  @Test
  void aLedgerOfATimeBeforeCallbacksHasNone() {
    String without = text().replaceFirst(",\"callbacks\":\\[[^\\]]*\\]", "");
    assertThat(without).isNotEqualTo(text());
    assertThat(Ledger.decode("test", without).callbacks()).isEmpty();
    assertThat(Ledger.decode("test", text()).callbacks()).hasSize(1);
  }

  @Test
  void aLedgerOfThePatchesBeforeModulesHasNone() {
    String old = text().replaceFirst(",\"modules\":.*}", "}");
    assertThat(old).doesNotContain("modules");
    assertThat(Ledger.decode("test", old).modules()).isEmpty();
  }

  @Test
  void aLedgerOfATimeBeforeStackingLiesOnTheFunctionsOwnCode() {
    String old =
        text()
            .replaceAll(",\"over\":\"[^\"]*\",\"own\":\"[^\"]*\"", "")
            .replaceFirst(",\"requires\":.*}", "}");
    assertThat(old).doesNotContain("over", "own", "requires");
    Ledger ledger = Ledger.decode("test", old);
    assertThat(ledger.requires()).isEmpty();
    assertThat(ledger.immediate()).isFalse();
    assertThat(ledger.targets().get(0).over()).isEmpty();
    assertThat(ledger.targets().get(0).ownBytes())
        .isEqualTo(ledger.targets().get(0).originalBytes());
  }

  @Test
  void aTargetIsInTheModuleThatHasItsSite() {
    Ledger.Target inside =
        new Ledger.Target("g", "g", 0xffffffffc0000ffbL, "0000000000", List.of(), "", "");
    Ledger.Target behind =
        new Ledger.Target("h", "h", 0xffffffffc0001000L, "0000000000", List.of(), "", "");

    assertThat(LEDGER.moduleOf(inside)).contains(LEDGER.modules().get(0));
    assertThat(LEDGER.moduleOf(behind)).isEmpty();
    assertThat(LEDGER.moduleOf(LEDGER.targets().get(0))).isEmpty();
  }

  @Test
  void aSiteOfAnotherLengthThanAJumpIsRefused() {
    assertThatThrownBy(() -> Ledger.decode("test", text().replace("554889e541", "5548")))
        .isInstanceOf(MalformedDataException.class);
  }

  @Test
  void anyTextIsALedgerOrMalformed() {
    Random random = new Random(3);
    String text = text();
    for (int i = 0; i < 3_000; i++) {
      StringBuilder mutated = new StringBuilder(text);
      for (int j = 0; j < 1 + random.nextInt(4); j++) {
        int at = random.nextInt(mutated.length());
        switch (random.nextInt(3)) {
          case 0 -> mutated.setCharAt(at, (char) random.nextInt(256));
          case 1 -> mutated.delete(at, Math.min(mutated.length() - 1, at + random.nextInt(20)));
          default -> mutated.insert(at, "null");
        }
      }
      try {
        assertThat(Ledger.decode("fuzz", mutated.toString()).targets()).isNotNull();
      } catch (MalformedDataException e) {
        assertThat(e.source()).isEqualTo("fuzz");
      }
    }
  }

  private static String text() {
    byte[] encoded = LEDGER.encode();
    return new String(encoded, 0, encoded.length - 1, StandardCharsets.ISO_8859_1);
  }
}
