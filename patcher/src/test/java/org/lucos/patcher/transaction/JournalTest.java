package org.lucos.patcher.transaction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.transaction.Journal.Entry;
import org.lucos.patcher.transaction.Journal.Operation;
import org.lucos.patcher.transaction.Journal.Unfinished;

class JournalTest {
  private static final UUID GUEST = new UUID(1, 2);
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);
  private static final Operation OPERATION =
      new Operation(
          Journal.FORMAT,
          "replace",
          "größer",
          "00".repeat(16),
          "2026-11-21T10:00:00Z",
          42,
          List.of(new Entry("old", "lucos_old", "", 2)),
          List.of(new Entry("new", "lucos_new", "ab".repeat(32), 3)));

  @TempDir private Path state = Path.of("");

  @Test
  void whatWasBegunIsReadByTheNextControllerUntilItIsOver() throws IOException {
    assertThat(Journal.read(state, GUEST)).isEmpty();
    Journal journal = begin();
    journal.write("load", false);
    journal.write("load", true);
    journal.write("switch", false);
    journal.close(); // as after a kill: nothing tells that it is over

    Unfinished found = Journal.read(state, GUEST).orElseThrow();
    assertThat(found.operation()).isEqualTo(OPERATION);
    assertThat(found.steps())
        .extracting(step -> step.step() + " " + step.done())
        .containsExactly("load false", "load true", "switch false");
    assertThat(found.begun())
        .extracting(step -> step.step() + " " + step.done())
        .containsExactly("load true", "switch false");
    assertThat(Journal.read(state, new UUID(3, 4))).as("another guest's").isEmpty();

    Journal.forget(state, GUEST);
    assertThat(Journal.read(state, GUEST)).isEmpty();
    begin().complete();
    assertThat(files()).as("nothing is left behind").isEmpty();
  }

  @Test
  void aJournalCutShortAnywhereIsOneOfAnEarlierMomentOrDamaged() throws IOException {
    byte[] whole = written();
    int first = new String(whole, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf('\n');
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      if (length <= first) {
        assertThat(damage(cut).detail()).contains("cut short");
      } else {
        assertThat(Journal.decode("cut", cut).operation()).isEqualTo(OPERATION);
      }
    }
  }

  @Test
  void aChangedByteIsNoticed() throws IOException {
    byte[] whole = written();
    Random random = new Random(7);
    for (int i = 0; i < 2_000; i++) {
      byte[] garbled = whole.clone();
      garbled[random.nextInt(whole.length - 1)] ^= (byte) (1 << random.nextInt(8));
      assertThat(damage(garbled).file()).isEqualTo("garbled");
    }
  }

  @Test
  void anyBytesAreAJournalOrDamaged() throws IOException {
    byte[] whole = written();
    Random random = new Random(8);
    for (int i = 0; i < 2_000; i++) {
      byte[] any = Arrays.copyOf(whole, 1 + random.nextInt(2 * whole.length));
      for (int j = random.nextInt(20); j > 0; j--) {
        any[random.nextInt(any.length)] = (byte) random.nextInt();
      }
      try {
        assertThat(Journal.decode("any", any).operation()).isEqualTo(OPERATION);
      } catch (RefusedException e) {
        assertThat(e.refusal()).isInstanceOf(InputRefusal.JournalDamaged.class);
      }
    }
  }

  @Test
  void aDamagedJournalIsKeptAside() throws IOException {
    begin().close();
    Path file = files().get(0);
    Files.writeString(file, "garbage\n");
    assertThatThrownBy(() -> Journal.read(state, GUEST)).isInstanceOf(RefusedException.class);

    Path first = Journal.setAside(state, GUEST);
    assertThat(Journal.read(state, GUEST)).isEmpty();
    Files.writeString(file, "more garbage\n");
    Path second = Journal.setAside(state, GUEST);
    assertThat(first).hasContent("garbage\n");
    assertThat(second).hasContent("more garbage\n");
  }

  @Test
  void whereItCannotBeWrittenNothingIsBegun() throws IOException {
    Files.writeString(state.resolve("journal"), "in the way");
    RefusedException refused = catchThrowableOfType(RefusedException.class, this::begin);
    assertThat(refused.refusal()).isInstanceOf(HostRefusal.JournalNotWritable.class);
  }

  @Test
  void aStepThatCannotBeWrittenOrStruckOutIsARefusal() throws IOException {
    Journal journal = begin();
    journal.close();
    assertNotWritable(() -> journal.write("load", false));

    Path file = files().get(0);
    Files.delete(file);
    Files.createDirectories(file.resolve("in the way"));
    assertNotWritable(journal::complete);
    assertNotWritable(() -> Journal.forget(state, GUEST));
  }

  private static void assertNotWritable(ThrowingCallable work) {
    RefusedException refused = catchThrowableOfType(RefusedException.class, work);
    assertThat(refused.refusal()).isInstanceOf(HostRefusal.JournalNotWritable.class);
  }

  private Journal begin() {
    return Journal.begin(state, GUEST, OPERATION, CLOCK);
  }

  private byte[] written() throws IOException {
    try (Journal journal = begin()) {
      journal.write("load", false);
      journal.write("load", true);
    }
    return Files.readAllBytes(files().get(0));
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(state)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }

  private static InputRefusal.JournalDamaged damage(byte[] content) {
    RefusedException refused =
        catchThrowableOfType(RefusedException.class, () -> Journal.decode("garbled", content));
    assertThat(refused)
        .as("%s", new String(content, java.nio.charset.StandardCharsets.UTF_8))
        .isNotNull();
    return (InputRefusal.JournalDamaged) refused.refusal();
  }
}
