package org.lucos.patcher.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.app.SettlePatches.Settled;
import org.lucos.patcher.app.WaitingPatches.Waiting;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

class WaitingPatchesTest {
  private static final Bytes BUNDLE = Bytes.of("bundle".getBytes(StandardCharsets.US_ASCII));
  private static final Waiting WAITING =
      new Waiting(
          "größer-fix",
          "what it is for",
          List.of("CVE-2026-1"),
          "lucos_fix_01234567",
          List.of("fuse", "cuse"),
          "00".repeat(16),
          "2026-11-21T10:00:00Z",
          true,
          BUNDLE.sha256());

  private final Path state;
  private final WaitingPatches store;

  WaitingPatchesTest(@TempDir Path state) {
    this.state = state;
    this.store = store(new UUID(1, 2));
  }

  private WaitingPatches store(UUID guest) {
    Settings settings = new Settings("", state, state, state, state, state, InstantSource.system());
    return new WaitingPatches(settings, guest);
  }

  private Path record() throws IOException {
    try (Stream<Path> files = Files.walk(state)) {
      return files.filter(file -> file.toString().endsWith(".json")).findFirst().orElseThrow();
    }
  }

  @Test
  void whatWaitsIsFoundByEitherNameUntilItIsForgotten() throws IOException {
    assertThat(store.all().patches()).isEmpty();
    store.add(WAITING, BUNDLE);
    store.add(WAITING, BUNDLE);

    assertThat(store.all().patches()).containsExactly(WAITING);
    assertThat(store.find("größer-fix")).contains(WAITING);
    assertThat(store.find("lucos_fix_01234567")).contains(WAITING);
    assertThat(store.find("other")).isEmpty();
    assertThat(store.bundle(WAITING)).hasBinaryContent(BUNDLE.toArray());
    assertThat(store(new UUID(3, 4)).all().patches()).as("another guest's").isEmpty();

    store.remove(WAITING.module());
    store.remove(WAITING.module());
    assertThat(store.all().patches()).isEmpty();
    try (Stream<Path> files = Files.walk(state)) {
      assertThat(files.filter(Files::isRegularFile)).as("nothing is left behind").isEmpty();
    }
  }

  @Test
  void aBundleThatIsNotWhatWasRecordedIsRefused() throws IOException {
    store.add(WAITING, BUNDLE);
    Files.writeString(store.bundle(WAITING), "another");
    assertThatThrownBy(() -> store.bundle(WAITING))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> assertThat(refused.refusal()).isInstanceOf(InputRefusal.BadBundle.class));

    Files.delete(record().resolveSibling(WAITING.module() + ".lucos"));
    assertThatThrownBy(() -> store.bundle(WAITING)).isInstanceOf(RefusedException.class);
  }

  @Test
  void aDamagedRecordIsToldAndTheOthersAreRead() throws IOException {
    store.add(WAITING, BUNDLE);
    Path good = record();
    Files.writeString(good.resolveSibling("lucos_other.json"), "{\"patch\":");
    Files.copy(good, good.resolveSibling("lucos_misnamed.json"));

    WaitingPatches.Recorded found = store.all();

    assertThat(found.patches()).containsExactly(WAITING);
    assertThat(found.damaged())
        .hasSize(2)
        .anyMatch(text -> text.contains("lucos_other.json"))
        .anyMatch(text -> text.contains("lucos_misnamed.json"));
  }

  @Test
  void anyTextIsARecordOrDamaged() throws IOException {
    store.add(WAITING, BUNDLE);
    Path file = record();
    String text = Files.readString(file);
    Random random = new Random(5);
    for (int i = 0; i < 500; i++) {
      StringBuilder mutated = new StringBuilder(text);
      for (int j = 0; j < 1 + random.nextInt(3); j++) {
        int at = random.nextInt(mutated.length());
        switch (random.nextInt(3)) {
          case 0 -> mutated.setCharAt(at, (char) (' ' + random.nextInt(90)));
          case 1 -> mutated.delete(at, Math.min(mutated.length() - 1, at + random.nextInt(20)));
          default -> mutated.insert(at, "null");
        }
      }
      Files.writeString(file, mutated);
      WaitingPatches.Recorded found = store.all();
      assertThat(found.patches().size() + found.damaged().size()).isEqualTo(1);
    }
  }

  @Test
  void theShellIsToldOfARefusalRatherThanOfAPatchThatWaits() {
    assertThat(outcome(ExitCode.OK).worst()).isEqualTo(ExitCode.OK);
    assertThat(outcome(ExitCode.OK, ExitCode.WAITING).worst()).isEqualTo(ExitCode.WAITING);
    assertThat(outcome(ExitCode.WAITING, ExitCode.DOES_NOT_FIT).worst())
        .isEqualTo(ExitCode.DOES_NOT_FIT);
    assertThat(outcome().worst()).isEqualTo(ExitCode.OK);
  }

  private static SettlePatches.Outcome outcome(ExitCode... codes) {
    return new SettlePatches.Outcome(
        Stream.of(codes).map(code -> new Settled("p", "m", "", List.of(), "", code)).toList(),
        List.of());
  }
}
