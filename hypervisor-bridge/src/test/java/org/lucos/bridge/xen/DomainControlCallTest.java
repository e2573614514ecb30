package org.lucos.bridge.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.jna.NativeCallException;
import org.lucos.bridge.vcpu.VcpuRegisters;

class DomainControlCallTest {
  private final FakeXen xen = new FakeXen();

  @ParameterizedTest
  @ValueSource(ints = {0x14, 0x15, 0x16, 0x17})
  void versionIsFoundByAsking(int version) {
    xen.version = version;
    assertThat(DomainControlCall.of(xen).version()).isEqualTo(version);
  }

  @ParameterizedTest
  @ValueSource(ints = {0x13, 0x18})
  void unknownVersionIsNotGuessedAt(int version) {
    xen.version = version;
    assertThatThrownBy(() -> DomainControlCall.of(xen))
        .isInstanceOf(DomainControlCall.UnknownVersionException.class)
        .hasMessageContaining("20..23");
  }

  @Test
  void domainIsDescribed() {
    xen.vcpus.put(0, new byte[HvmCpuLayout.SIZE]);
    DomainControlCall control = DomainControlCall.of(xen);
    DomainInfo info = control.info(FakeXen.ID).orElseThrow();
    assertThat(info)
        .returns(FakeXen.ID, DomainInfo::id)
        .returns(FakeXen.HANDLE, DomainInfo::uuid)
        .returns(0, DomainInfo::lastVcpu)
        .returns(FakeXen.SHARED_INFO, DomainInfo::sharedInfo)
        .returns(1, DomainInfo::onlineVcpus)
        .returns(true, DomainInfo::translated)
        .returns("pvh", DomainInfo::kind)
        .returns(DomainState.RUNNING, DomainInfo::state);
    assertThat(control.info(1)).isEmpty(); // Xen answers with the next one
    assertThat(control.infoFrom(1)).contains(info);
    assertThat(control.infoFrom(FakeXen.ID + 1)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "0x2, RUNNING",
    "0xa, PAUSED",
    "0x3, SHUT_OFF",
    "0x00000006, ENDING",
    "0x00010006, ENDING",
    "0x0002000e, PAUSED",
    "0x00030006, CRASHED",
    "0x00040006, ENDING"
  })
  void flagsSayWhatItDoes(String flags, DomainState state) {
    xen.flags = Integer.decode(flags);
    DomainInfo info = DomainControlCall.of(xen).info(FakeXen.ID).orElseThrow();
    assertThat(info.state()).isEqualTo(state);
    assertThat(info.suspended()).isEqualTo(flags.startsWith("0x0002"));
  }

  @Test
  void stopsAreCounted() {
    DomainControlCall control = DomainControlCall.of(xen);
    control.pause(FakeXen.ID);
    control.pause(FakeXen.ID);
    control.unpause(FakeXen.ID);
    assertThat(control.info(FakeXen.ID).orElseThrow().paused()).isTrue();
    control.unpause(FakeXen.ID);
    assertThat(control.info(FakeXen.ID).orElseThrow().paused()).isFalse();
    assertThatThrownBy(() -> control.unpause(FakeXen.ID)).isInstanceOf(NativeCallException.class);
    assertThatThrownBy(() -> control.pause(9))
        .isInstanceOf(NativeCallException.class)
        .hasMessageContaining("pausedomain");
  }

  @Test
  void registersComeInTheOrderOfTheInstructionSet() {
    ByteBuffer saved = ByteBuffer.allocate(HvmCpuLayout.SIZE).order(ByteOrder.LITTLE_ENDIAN);
    for (int word = 0; word < HvmCpuLayout.SIZE / 8; word++) {
      saved.putLong(8 * word, 1000 + 8 * word); // each word tells its offset
    }
    saved.putInt(736, 0x10);
    xen.vcpus.put(0, saved.array());
    xen.vcpus.put(1, saved.array());
    xen.offline.add(1);
    DomainControlCall control = DomainControlCall.of(xen);
    VcpuRegisters registers = control.registers(FakeXen.ID, 0, true).orElseThrow();
    assertThat(registers.general())
        .containsExactly(
            1512L, 1520L, 1528L, 1536L, 1552L, 1560L, 1544L, 1568L, 1576L, 1584L, 1592L, 1600L,
            1608L, 1616L, 1624L, 1632L);
    assertThat(registers.rip().value()).isEqualTo(1640);
    assertThat(registers.rsp().value()).isEqualTo(1568);
    assertThat(registers.rflags()).isEqualTo(1648);
    assertThat(registers.cr3()).isEqualTo(1672);
    assertThat(registers.gsBase().value()).isEqualTo(1840);
    assertThat(registers.kernelGsBase().value()).isEqualTo(1944);
    assertThat(registers.inUserMode()).isFalse();
    assertThat(control.registers(FakeXen.ID, 1, true)).isEmpty();
    assertThat(control.registers(FakeXen.ID, 2, true)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"4, 0xe030, 6152, 6160", "0, 0xe033, 6160, 6152"})
  void registersOfAPvGuestAreWhatItSeesOfThem(int flags, String cs, long base, long other) {
    ByteBuffer context = ByteBuffer.allocate(PvCpuLayout.SIZE).order(ByteOrder.LITTLE_ENDIAN);
    for (int word = 0; word < PvCpuLayout.SIZE / 8; word++) {
      context.putLong(8 * word, 1000 + 8 * word);
    }
    context.putLong(512, flags);
    context.putShort(656, (short) 0xe033); // its kernel has no ring of its own
    xen.vcpus.put(0, context.array());
    VcpuRegisters registers =
        DomainControlCall.of(xen).registers(FakeXen.ID, 0, false).orElseThrow();
    assertThat(registers.general())
        .containsExactly(
            1600L, 1560L, 1608L, 1616L, 1624L, 1632L, 1552L, 1672L, 1592L, 1584L, 1576L, 1568L,
            1544L, 1536L, 1528L, 1520L);
    assertThat(registers.rip().value()).isEqualTo(1648);
    assertThat(registers.rsp().value()).isEqualTo(1672);
    assertThat(registers.rflags()).isEqualTo(1664);
    assertThat(registers.cr3()).isEqualTo(6008);
    assertThat(registers.cs()).isEqualTo(Integer.decode(cs));
    assertThat(registers.inUserMode()).isEqualTo(flags == 0);
    assertThat(registers.gsBase().value()).isEqualTo(base);
    assertThat(registers.kernelGsBase().value()).isEqualTo(other);
  }
}
