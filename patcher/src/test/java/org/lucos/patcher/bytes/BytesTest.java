package org.lucos.patcher.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class BytesTest {
  private final Bytes bytes = new ByteWriter().u32(0x04030201).u64(-2).u16(0xbeef).u8(7).toBytes();

  @Test
  void numbersAreLittleEndian() {
    assertThat(bytes.toHex()).isEqualTo("01020304feffffffffffffffefbe07");
    assertThat(bytes.i32(0)).isEqualTo(0x04030201);
    assertThat(bytes.i32(4)).isEqualTo(-2);
    assertThat(bytes.at(12)).isEqualTo(0xef);
  }

  @Test
  void equalityIsByContent() {
    assertThat(bytes.slice(1, 3)).isEqualTo(Bytes.of(new byte[] {2, 3}));
    assertThat(bytes.slice(1, 3)).hasSameHashCodeAs(Bytes.of(new byte[] {2, 3}));
    assertThat(bytes.slice(2, 2)).isEqualTo(Bytes.EMPTY).isEqualTo(Bytes.zeros(0));
    assertThat(bytes.slice(0, 4)).isNotEqualTo(Bytes.zeros(4));
  }

  @Test
  void laterChangesToTheArrayDoNotShow() {
    byte[] array = {1, 2, 3};
    Bytes copy = Bytes.of(array);
    array[0] = 9;
    copy.toArray()[1] = 9;

    assertThat(copy.toHex()).isEqualTo("010203");
  }

  @Test
  void placesOutsideAreErrors() {
    assertThatThrownBy(() -> bytes.at(15)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> bytes.i32(12)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> bytes.slice(0, 4).at(4)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> bytes.slice(3, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> bytes.slice(0, 16)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void alignmentAddsZeros() {
    assertThat(new ByteWriter().u8(1).align(8).u8(2).align(1).toBytes().toHex())
        .isEqualTo("010000000000000002");
  }

  @Test
  void theDigestIsSha256() {
    assertThat(Bytes.EMPTY.sha256())
        .isEqualTo("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  }
}
