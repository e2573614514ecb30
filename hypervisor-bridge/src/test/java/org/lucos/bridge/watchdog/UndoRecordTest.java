package org.lucos.bridge.watchdog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UndoRecordTest {
  @TempDir private Path directory;
  private Path file;
  private UndoRecord record;

  @BeforeEach
  void create() throws IOException {
    file = UndoRecord.beside(directory.resolve("gdb.sock"));
    record = UndoRecord.create(file);
  }

  private static void assertSame(List<UndoRecord.Former> found, List<UndoRecord.Former> wanted) {
    assertThat(found).hasSameSizeAs(wanted);
    for (int i = 0; i < wanted.size(); i++) {
      assertThat(found.get(i).physical()).isEqualTo(wanted.get(i).physical());
      assertThat(found.get(i).bytes()).isEqualTo(wanted.get(i).bytes());
    }
  }

  @Test
  void whatIsAddedIsInTheFileAtOnceAndInItsOrder() throws IOException {
    Random random = new Random(20261122);
    List<UndoRecord.Former> all = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      byte[] bytes = new byte[1 + random.nextInt(300)];
      random.nextBytes(bytes);
      UndoRecord.Former write = new UndoRecord.Former(random.nextLong(), bytes);
      record.add(List.of(write));
      all.add(write);
      record.touch();
      assertSame(UndoRecord.read(file), all);
    }
    record.clear();
    assertThat(UndoRecord.read(file)).isEmpty();
    record.add(all.subList(3, 5));
    assertSame(UndoRecord.read(file), all.subList(3, 5));
  }

  @Test
  void moreThanThereIsRoomForIsRefusedAndNothingOfItCounts() throws IOException {
    UndoRecord.Former small = new UndoRecord.Former(1, new byte[8]);
    record.add(List.of(small));
    List<UndoRecord.Former> large =
        List.of(small, new UndoRecord.Former(2, new byte[UndoRecord.CAPACITY - 64]));
    assertThatThrownBy(() -> record.add(large)).isInstanceOf(IOException.class);
    assertSame(UndoRecord.read(file), List.of(small));
    record.clear();
    record.add(List.of(new UndoRecord.Former(2, new byte[UndoRecord.CAPACITY - 24])));
    assertThat(UndoRecord.read(file)).hasSize(1);
  }

  @Test
  void whoHasAnOldOneMappedDoesNotReachTheNewOne() throws IOException {
    UndoRecord next = UndoRecord.create(file);
    next.add(List.of(new UndoRecord.Former(7, new byte[] {7})));
    record.add(List.of(new UndoRecord.Former(9, new byte[] {9})));
    record.clear();
    assertThat(UndoRecord.read(file))
        .singleElement()
        .satisfies(w -> assertThat(w.physical()).isEqualTo(7));
  }

  @Test
  void holdIsNotedBesideTheWrites() throws IOException {
    assertThat(UndoRecord.wasHeld(file)).isFalse();
    record.held(true);
    record.add(List.of(new UndoRecord.Former(1, new byte[UndoRecord.CAPACITY - 24])));
    assertThat(UndoRecord.wasHeld(file)).isTrue();
    record.clear();
    record.touch();
    assertThat(UndoRecord.wasHeld(file)).isTrue();
    record.held(false);
    assertThat(UndoRecord.wasHeld(file)).isFalse();
    Files.write(file, new byte[8]);
    assertThatThrownBy(() -> UndoRecord.wasHeld(file)).isInstanceOf(IOException.class);
  }

  @Test
  void damageIsToldWithItsPlace() throws IOException {
    record.add(
        List.of(new UndoRecord.Former(1, new byte[8]), new UndoRecord.Former(2, new byte[8])));
    byte[] good = Files.readAllBytes(file);
    byte[] length = good.clone();
    length[8 + 24 + 8] = 100; // more than counts
    assertDamaged(length, "offset=32");
    byte[] none = good.clone();
    none[8 + 8] = 0;
    assertDamaged(none, "offset=8");
    byte[] count = good.clone();
    count[7] = -1;
    assertDamaged(count, "offset=0");
    byte[] cut = good.clone();
    cut[0] = (byte) (cut[0] + 4);
    assertDamaged(cut, "offset=56");
    assertDamaged(new byte[7], "offset=0");
  }

  private void assertDamaged(byte[] content, String where) throws IOException {
    Files.write(file, content);
    assertThatThrownBy(() -> UndoRecord.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(where)
        .hasMessageContaining(file.toString());
  }

  @Test
  void anythingIsReadOrRefused() throws IOException {
    Random random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[random.nextInt(120)];
      random.nextBytes(bytes);
      for (int at = 0; at + 8 <= bytes.length; at += 8) {
        if (random.nextInt(3) > 0) { // small numbers, as lengths are
          java.util.Arrays.fill(bytes, at + 1, at + 8, (byte) 0);
        }
      }
      Files.write(file, bytes);
      try {
        int sum = UndoRecord.read(file).stream().mapToInt(write -> write.bytes().length).sum();
        assertThat(sum).isLessThan(bytes.length);
      } catch (IOException e) {
        assertThat(e).hasMessageContaining("offset=");
      }
    }
  }
}
