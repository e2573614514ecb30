package org.lucos.patcher.elf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.lucos.patcher.bytes.Bytes;

class RelocationTypeTest {
  private static String applied(RelocationType type, String symbol, long addend, String place) {
    byte[] data = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    type.apply(
        data, 1, Long.parseUnsignedLong(symbol, 16), addend, Long.parseUnsignedLong(place, 16));
    return Bytes.of(data).toHex();
  }

  @ParameterizedTest
  @CsvSource({
    "NONE, ffffffff81000000, 5, 0, 01010101010101010101",
    "ABS_64, ffffffff81000000, 5, ffffffffc0000000, 01050000 81ffffffff 01",
    "ABS_32S, ffffffff81000000, -4, 0, 01fcffff80 0101010101",
    "ABS_32, 00000000ffff0000, 1, 0, 010100ffff 0101010101",
    "PC32, ffffffff81000000, -4, ffffffffc0000010, 01ecffffc0 0101010101",
    "PLT32, ffffffffc0000010, -4, ffffffffc0000000, 010c000000 0101010101",
    "PC64, ffffffff81000000, 0, ffffffffc0000000, 01000000c1ffffffff 01"
  })
  void fieldsAreComputedAsTheModuleLoaderDoes(
      RelocationType type, String symbol, long addend, String place, String expected) {
    assertThat(applied(type, symbol, addend, place)).isEqualTo(expected.replace(" ", ""));
  }

  @ParameterizedTest
  @CsvSource({
    "ABS_32S, 0000000080000000, 0, 0",
    "ABS_32S, ffffffff00000000, 0, 0",
    "ABS_32, ffffffff81000000, 0, 0",
    "ABS_32, 0000000100000000, 0, 0",
    "PC32, ffffffff81000000, 0, ffff888000000000"
  })
  void whatDoesNotFitIsRefused(RelocationType type, String symbol, long addend, String place) {
    assertThatThrownBy(() -> applied(type, symbol, addend, place))
        .isInstanceOf(RelocationOverflowException.class)
        .hasMessageContaining(type.name());
  }

  @ParameterizedTest
  @EnumSource(RelocationType.class)
  void everyTypeIsFoundByItsNumber(RelocationType type) {
    assertThat(RelocationType.of(type.number())).contains(type);
  }

  @Test
  void unknownNumbersHaveNoType() {
    assertThat(RelocationType.of(39)).isEmpty();
    assertThat(RelocationType.of(-1)).isEmpty();
  }

  @Test
  void typesTheKernelDoesNotKnowCannotBeApplied() {
    assertThat(RelocationType.GOTPCREL.isApplicable()).isFalse();
    assertThatThrownBy(() -> RelocationType.GOTPCREL.apply(new byte[8], 0, 0, 0, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void fieldsOutsideOfTheDataAreErrors() {
    assertThatThrownBy(() -> RelocationType.ABS_64.apply(new byte[8], 1, 0, 0, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> RelocationType.ABS_64.apply(new byte[8], -1, 0, 0, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
