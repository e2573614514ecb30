package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;

@Timeout(120)
class PrintkRingTest {
  private static final int ALL = 1 << 20;

  private final SyntheticLog log = new SyntheticLog(6, 11);
  private final PrintkRing ring = log.reader();
  private final Random random = new Random(20261121);

  private void write(int messages) {
    for (int i = 0; i < messages; i++) {
      int length = random.nextInt(60);
      StringBuilder text = new StringBuilder("m" + log.written().size() + " ");
      for (int c = 0; c < length; c++) {
        text.append((char) ('a' + random.nextInt(26)));
      }
      log.log(random.nextInt(8), length == 7 ? "" : text.toString());
    }
  }

  @Test
  void anEmptyLogHasNothingAndBeginsAtZero() {
    LogReading reading = ring.read(0, ALL);

    assertThat(reading).isEqualTo(new LogReading(List.of(), 0, 0, 0));
    assertThat(ring.next()).isZero();
  }

  @Test
  void messagesAreNumberedFromZeroWhateverTheFirstIdIs() {
    for (long mask : new long[] {(1L << 32) - 1, SyntheticLog.ID_MASK, (1L << 20) - 1}) {
      SyntheticLog other = new SyntheticLog(3, 11, mask);
      long unfinished = other.begin(6, "not yet");
      assertThat(other.reader().read(0, ALL)).isEqualTo(new LogReading(List.of(), 0, 0, 0));
      other.finish(unfinished);
      for (int i = 0; i < 20; i++) {
        other.log(6, "message " + i);
        LogReading reading = other.reader().read(0, ALL);
        assertThat(reading.next()).isEqualTo(i + 2);
        assertThat(reading.damaged()).isZero();
        assertThat(reading.records().get(reading.records().size() - 1).text())
            .isEqualTo("message " + i);
      }
    }
  }

  @Test
  void messagesComeWithNumberTimeLevelAndText() {
    log.log(3, "first");
    log.log(6, "");
    log.log(7, "two\nlines, and a \u00fc");

    LogReading reading = ring.read(0, ALL);

    assertThat(reading.records()).isEqualTo(log.written());
    assertThat(reading.records())
        .extracting(LogRecord::levelName)
        .containsExactly("err", "info", "debug");
    assertThat(reading.records().get(2).time()).isEqualTo("    0.002000");
    assertThat(reading.next()).isEqualTo(3);
    assertThat(reading.lost() + reading.damaged()).isZero();
  }

  @Test
  void aLogThatHasWrappedManyTimesGivesItsNewestMessages() {
    for (int round = 0; round < 200; round++) {
      write(1 + random.nextInt(40));
      LogReading reading = ring.read(0, ALL);
      List<LogRecord> records = reading.records();
      int all = log.written().size();
      assertThat(records).hasSizeGreaterThan(Math.min(20, all) - 1);
      assertThat(reading.damaged()).isZero();
      assertThat(reading.next()).isEqualTo(all);
      long expected = all - 1L;
      for (int i = records.size() - 1; i >= 0; i--) {
        LogRecord record = records.get(i);
        assertThat(record).isEqualTo(log.written().get((int) record.seq()));
        assertThat(record.seq()).isLessThanOrEqualTo(expected);
        expected = record.seq() - 1;
      }
    }
  }

  @Test
  void readingGoesOnWhereItEndedAndCountsWhatItMissed() {
    write(10);
    long next = ring.read(0, ALL).next();
    write(3);
    LogReading more = ring.read(next, ALL);
    assertThat(more.records()).isEqualTo(log.written().subList(10, 13));
    assertThat(more.lost()).isZero();

    write(500);
    LogReading late = ring.read(more.next(), ALL);
    assertThat(late.records()).isNotEmpty().isSubsetOf(log.written());
    assertThat(late.records().size() + late.lost()).isEqualTo(500);
    assertThat(ring.read(late.next(), ALL).records()).isEmpty();
    assertThat(ring.read(Long.MAX_VALUE, ALL).records()).isEmpty();
    assertThat(ring.read(0, 5).records()).isEqualTo(log.written().subList(508, 513));
  }

  @Test
  void aMessageThatIsBeingWrittenIsLeftForTheNextReading() {
    write(5);
    long id = log.begin(4, "not yet");
    log.log(4, "behind it");

    LogReading reading = ring.read(0, ALL);
    assertThat(reading.records()).isEqualTo(log.written().subList(0, 5));
    assertThat(reading.next()).isEqualTo(5);
    assertThat(ring.next()).isEqualTo(7);

    log.finish(id);
    assertThat(ring.read(reading.next(), ALL).records()).isEqualTo(log.written().subList(5, 7));
  }

  @Test
  void whatIsWrittenWhileItIsReadNeverMixesMessages() {
    write(200);
    log.beforeRead(
        () -> {
          if (random.nextInt(60) == 0) {
            write(random.nextInt(20));
          }
        });
    long lost = 0;
    int found = 0;
    for (int round = 0; round < 2000; round++) {
      LogReading reading = read();
      lost += reading.lost();
      assertThat(reading.damaged()).isZero();
      for (LogRecord record : reading.records()) {
        assertThat(record).isEqualTo(log.written().get((int) record.seq()));
        found++;
      }
    }
    // both happen, or this shows nothing
    assertThat(lost).isPositive();
    assertThat(found).isPositive();
  }

  /** A writer that is ever faster than the reader ends in a typed error, as any torn list does. */
  private LogReading read() {
    try {
      return ring.read(0, ALL);
    } catch (MalformedDataException e) {
      return new LogReading(List.of(), 0, 0, 0);
    }
  }

  @Test
  void textWithoutRoomIsLostAndWhatDoesNotFitTogetherIsDamaged() {
    write(20);
    log.put(log.descriptorOf(4) + 8, 1);
    log.put(log.descriptorOf(4) + 16, 1);
    log.put(log.infoOf(6), 7); // another message's number
    log.put(log.descriptorOf(8) + 16, log.get(log.descriptorOf(8) + 8)); // no block
    log.put(log.descriptorOf(10) + 8, log.get(log.descriptorOf(9) + 8)); // another's block
    log.put32(log.infoOf(12) + 16, 0xffff); // longer than its block

    LogReading reading = ring.read(0, ALL);

    assertThat(reading.records())
        .extracting(LogRecord::seq)
        .doesNotContain(4L, 6L, 8L, 10L, 12L)
        .contains(0L, 5L, 7L, 9L, 11L, 13L, 19L);
    assertThat(reading.lost()).isEqualTo(1);
    assertThat(reading.damaged()).isEqualTo(4);
    assertThat(reading.next()).isEqualTo(20);
  }

  @Test
  void absurdSizesAndPointersAreTypedFailures() {
    write(20);
    for (int bits : new int[] {0, 27, 32, 63, -1, Integer.MIN_VALUE}) {
      failsWith32(log.ring(), bits);
      failsWith32(log.ring() + 48, bits == 27 ? 32 : bits);
    }
    for (long wild : new long[] {0, 1, -1, -8, 0x7fff_0000_0000L, Long.MIN_VALUE, -4096}) {
      for (int member : new int[] {8, 16, 56}) {
        fails(log.ring() + member, wild);
      }
      fails(SyntheticLog.BASE, wild);
    }
    fails(log.ring() + 24, log.get(log.ring() + 24) + 100);
    fails(log.ring() + 32, log.get(log.ring() + 24) + 1);
    assertThat(ring.read(0, ALL).records()).isEqualTo(log.written());
  }

  private void fails(long address, long value) {
    long before = log.get(address);
    log.put(address, value);
    assertThatThrownBy(() -> ring.read(0, ALL))
        .as("%x at %x", value, address - SyntheticLog.BASE)
        .isInstanceOfAny(MalformedDataException.class, MemoryFaultException.class);
    log.put(address, before);
  }

  private void failsWith32(long address, int value) {
    long before = log.get(address);
    log.put32(address, value);
    assertThatThrownBy(() -> ring.read(0, ALL))
        .as("%x at %x", value, address - SyntheticLog.BASE)
        .isInstanceOfAny(MalformedDataException.class, MemoryFaultException.class);
    log.put(address, before);
  }

  @Test
  void anyBytesGiveMessagesOrATypedFailure() {
    int answered = 0;
    for (int round = 0; round < 3000; round++) {
      SyntheticLog victim = new SyntheticLog(1 + random.nextInt(6), 8 + random.nextInt(4));
      for (int i = random.nextInt(80); i > 0; i--) {
        victim.log(random.nextInt(8), "x".repeat(random.nextInt(40)));
      }
      for (int i = random.nextInt(12); i >= 0; i--) {
        long start = random.nextInt(8) == 0 ? victim.ring() : victim.descriptors();
        long end = start == victim.ring() ? start + 88 : victim.end();
        long at = start + random.nextInt((int) (end - start));
        victim.put8(at, random.nextBoolean() ? random.nextInt() : -random.nextInt(2));
      }
      try {
        LogReading reading = victim.reader().read(random.nextInt(60) - 5, ALL);
        assertThat(reading.records()).hasSizeLessThanOrEqualTo(1 << 7);
        assertThat(reading.records()).extracting(LogRecord::seq).isSorted().doesNotHaveDuplicates();
        answered++;
      } catch (MalformedDataException | MemoryFaultException e) {
        // what is wanted of memory that makes no sense
      } catch (RuntimeException e) {
        fail("round " + round, e);
      }
    }
    assertThat(answered).isGreaterThan(1000);
  }
}
