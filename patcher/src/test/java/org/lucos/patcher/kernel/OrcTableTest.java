package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.OrcEntry.Base;
import org.lucos.patcher.kernel.OrcEntry.Kind;
import org.lucos.patcher.kernel.OrcFormat.Bits;

class OrcTableTest {
  private static final long IP_TABLE = 0xffffffff82c5d5c0L;
  private static final long TEXT = 0xffffffff81000000L;

  /** As in 6.1: type 2 bits, end 1 bit. */
  private static final OrcFormat WITH_END =
      new OrcFormat(
          6,
          new Bits(32, 4),
          new Bits(36, 4),
          new Bits(40, 2),
          Optional.empty(),
          Optional.of(new Bits(42, 1)));

  /** As in 6.3 only: type 2 bits, signal, end. */
  private static final OrcFormat WITH_BOTH =
      new OrcFormat(
          6,
          new Bits(32, 4),
          new Bits(36, 4),
          new Bits(40, 2),
          Optional.of(new Bits(42, 1)),
          Optional.of(new Bits(43, 1)));

  /** As since 6.4: type 3 bits, signal. */
  private static final OrcFormat WITH_SIGNAL =
      new OrcFormat(
          6,
          new Bits(32, 4),
          new Bits(36, 4),
          new Bits(40, 3),
          Optional.of(new Bits(43, 1)),
          Optional.empty());

  private static byte[] raw(int stackOffset, int frameOffset, int spReg, int bpReg, int upper) {
    return ByteBuffer.allocate(6)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort((short) stackOffset)
        .putShort((short) frameOffset)
        .put((byte) (spReg | bpReg << 4))
        .put((byte) upper)
        .array();
  }

  @Test
  void oldNumbersMeanCallRegsPartial() {
    assertThat(WITH_END.decode("t", raw(8, 0, 5, 0, 0), 0))
        .isEqualTo(new OrcEntry(Base.SP, 8, Base.UNDEFINED, 0, Kind.CALL, false));
    assertThat(WITH_END.decode("t", raw(16, -16, 4, 1, 0), 0))
        .isEqualTo(new OrcEntry(Base.BP, 16, Base.PREVIOUS_SP, -16, Kind.CALL, false));
    assertThat(WITH_END.decode("t", raw(0, 0, 5, 0, 1), 0))
        .isEqualTo(new OrcEntry(Base.SP, 0, Base.UNDEFINED, 0, Kind.REGS, true));
    assertThat(WITH_END.decode("t", raw(0, 0, 5, 0, 2), 0))
        .isEqualTo(new OrcEntry(Base.SP, 0, Base.UNDEFINED, 0, Kind.REGS_PARTIAL, true));
  }

  @Test
  void oldUndefinedBaseEndsOrIsUnknown() {
    assertThat(WITH_END.decode("t", raw(0, 0, 0, 0, 4), 0).kind()).isEqualTo(Kind.END_OF_STACK);
    assertThat(WITH_END.decode("t", raw(0, 0, 0, 0, 0), 0).kind()).isEqualTo(Kind.UNDEFINED);
  }

  @Test
  void signalIsTakenFromItsBitWhereThereIsOne() {
    assertThat(WITH_BOTH.decode("t", raw(0, 0, 5, 0, 1), 0).signal()).isFalse();
    assertThat(WITH_BOTH.decode("t", raw(0, 0, 5, 0, 1 | 4), 0).signal()).isTrue();
    assertThat(WITH_BOTH.decode("t", raw(0, 0, 0, 0, 8), 0).kind()).isEqualTo(Kind.END_OF_STACK);
  }

  @Test
  void newNumbersStartWithUndefinedAndEnd() {
    Kind[] kinds = {
      Kind.UNDEFINED, Kind.END_OF_STACK, Kind.CALL, Kind.REGS, Kind.REGS_PARTIAL,
    };
    for (int number = 0; number < kinds.length; number++) {
      OrcEntry entry = WITH_SIGNAL.decode("t", raw(8, 0, 5, 0, number | 8), 0);
      assertThat(entry.kind()).isEqualTo(kinds[number]);
      assertThat(entry.signal()).isTrue();
    }
    assertThat(WITH_SIGNAL.decode("t", raw(8, 0, 5, 0, 3), 0).signal()).isFalse();
  }

  @Test
  void numbersNobodyDefinedAreRefused() {
    assertThatThrownBy(() -> WITH_SIGNAL.decode("t", raw(0, 0, 5, 0, 7), 0))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("type=7");
    assertThatThrownBy(() -> WITH_END.decode("t", raw(0, 0, 5, 0, 3), 0))
        .isInstanceOf(MalformedDataException.class);
    assertThatThrownBy(() -> WITH_SIGNAL.decode("t", raw(0, 0, 12, 0, 2), 0))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("sp_reg=12");
  }

  @Test
  void fieldsOutsideOfTheEntryAreRefused() {
    assertThatThrownBy(
            () ->
                new OrcFormat(
                    6,
                    new Bits(32, 4),
                    new Bits(36, 4),
                    new Bits(47, 2),
                    Optional.empty(),
                    Optional.empty()))
        .isInstanceOf(MalformedDataException.class);
  }

  @Test
  void anAddressBelongsToTheLastEntryThatStartsBefore() {
    OrcTable table = table(new long[] {TEXT, TEXT + 4, TEXT + 9}, 8, 16, 24);
    assertThat(offsetAt(table, TEXT)).hasValue(8);
    assertThat(offsetAt(table, TEXT + 3)).hasValue(8);
    assertThat(offsetAt(table, TEXT + 4)).hasValue(16);
    assertThat(offsetAt(table, TEXT + 8)).hasValue(16);
    assertThat(offsetAt(table, TEXT + 1000)).hasValue(24);
    assertThat(offsetAt(table, TEXT - 1)).isEmpty();
    assertThat(offsetAt(table, TEXT + (1L << 32))).isEmpty();
  }

  @Test
  void ofDuplicatesTheLastHolds() {
    OrcTable table =
        table(new long[] {TEXT, TEXT + 8, TEXT + 8, TEXT + 8, TEXT + 9}, 0, 1, 2, 3, 4);
    assertThat(offsetAt(table, TEXT + 8)).hasValue(3);
  }

  @Test
  void anEmptyTableKnowsNothing() {
    assertThat(offsetAt(table(new long[0]), TEXT)).isEmpty();
  }

  @Test
  void arraysThatDoNotMatchAreRefused() {
    assertThatThrownBy(
            () ->
                OrcTable.parse(
                    "t", WITH_END, new GuestVirtualAddress(IP_TABLE), new byte[8], new byte[6]))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("do not match");
  }

  @Test
  void placesOutOfOrderAreRefused() {
    assertThatThrownBy(() -> table(new long[] {TEXT + 8, TEXT}, 8, 8))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("not sorted");
  }

  @Test
  void anyBytesGiveAnEntryOrATypedError() {
    Random random = new Random(0x0c);
    long[] places = new long[64];
    for (int i = 0; i < places.length; i++) {
      places[i] = TEXT + 5L * i;
    }
    byte[] goodIps = ips(places);
    int parsed = 0;
    for (int round = 0; round < 20_000; round++) {
      byte[] ips = goodIps.clone();
      byte[] entries = new byte[6 * places.length];
      random.nextBytes(entries);
      if ((round & 1) == 0) {
        ips[random.nextInt(ips.length)] = (byte) random.nextInt();
      }
      OrcFormat format = (round & 2) == 0 ? WITH_SIGNAL : WITH_END;
      try {
        OrcTable table =
            OrcTable.parse("fuzz", format, new GuestVirtualAddress(IP_TABLE), ips, entries);
        parsed++;
        table.find(new GuestVirtualAddress(TEXT + random.nextInt(400)));
        table.find(new GuestVirtualAddress(random.nextLong()));
      } catch (MalformedDataException e) {
        assertThat(e.source()).isEqualTo("fuzz");
      }
    }
    assertThat(parsed).isGreaterThan(5_000);
  }

  private static Optional<Integer> offsetAt(OrcTable table, long ip) {
    return table.find(new GuestVirtualAddress(ip)).map(OrcEntry::stackOffset);
  }

  private static OrcTable table(long[] places, int... offsets) {
    ByteBuffer entries = ByteBuffer.allocate(6 * places.length);
    for (int offset : offsets) {
      entries.put(raw(offset, 0, 5, 0, 2));
    }
    return OrcTable.parse(
        "t", WITH_SIGNAL, new GuestVirtualAddress(IP_TABLE), ips(places), entries.array());
  }

  private static byte[] ips(long[] places) {
    ByteBuffer ips = ByteBuffer.allocate(4 * places.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < places.length; i++) {
      ips.putInt((int) (places[i] - (IP_TABLE + 4L * i)));
    }
    return ips.array();
  }
}
