package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.MalformedDataException;

class VmcoreInfoTest {
  private static final String GOOD =
      """
      OSRELEASE=6.1.0-56-cloud-amd64
      BUILD-ID=3b43fad5034874490492495d552c0af6a5fab235
      PAGESIZE=4096
      SYMBOL(init_uts_ns)=ffffffff9c1f9b60
      SYMBOL(swapper_pg_dir)=ffffffff9c010000
      OFFSET(list_head.prev)=8
      NUMBER(phys_base)=-75497472
      SYMBOL(init_top_pgt)=ffffffff9c010000
      NUMBER(pgtable_l5_enabled)=1
      KERNELOFFSET=19600000
      NUMBER(VMALLOC_START)=0xff7df14a40000000
      NUMBER(sme_mask)=0

      """;

  private static VmcoreInfo parse(String text) {
    byte[] page = Arrays.copyOf(text.getBytes(StandardCharsets.ISO_8859_1), 4096);
    return VmcoreInfo.parse("test", page);
  }

  @Test
  void namesTheKernelAndWhereItIs() {
    VmcoreInfo info = parse(GOOD);

    assertThat(info.release()).isEqualTo("6.1.0-56-cloud-amd64");
    assertThat(info.buildId()).isEqualTo("3b43fad5034874490492495d552c0af6a5fab235");
    assertThat(info.slide()).isEqualTo(0x19600000);
    assertThat(info.physBase()).isEqualTo(-75497472);
    assertThat(info.symbol("init_uts_ns"))
        .isEqualTo(new GuestVirtualAddress(0xffff_ffff_9c1f_9b60L));
    assertThat(info.findSymbol("absent")).isEmpty();
    assertThat(info.number("VMALLOC_START")).hasValue(0xff7d_f14a_4000_0000L);
    assertThat(info.number("absent")).isEmpty();
  }

  @Test
  void walksStartAtTheKernelsOwnPageTables() {
    assertThat(parse(GOOD).pagingRoot().table())
        .isEqualTo(new GuestPhysicalAddress(0x1c010000 - 75497472));
    assertThat(parse(GOOD).pagingRoot().levels()).isEqualTo(5);
    VmcoreInfo fourLevels =
        parse(GOOD.replace("enabled)=1", "enabled)=0").replace("SYMBOL(init_top_pgt)", "X"));
    assertThat(fourLevels.pagingRoot().levels()).isEqualTo(4);
    assertThat(fourLevels.pagingRoot().table()).isEqualTo(parse(GOOD).pagingRoot().table());
  }

  @Test
  void memoryEncryptionBitsAreNoAddressBits() {
    VmcoreInfo info = parse(GOOD.replace("sme_mask)=0", "sme_mask)=" + (1L << 47)));

    assertThat(info.pagingRoot().addressMask()).isEqualTo(0x000f_7fff_ffff_f000L);
  }

  @Test
  void malformedTextIsRefusedWithItsOffset() {
    assertMalformed("OSRELEAS=6.1\n", "does not begin with");
    assertMalformed("OSRELEASE=6.1", "line without end");
    assertMalformed("OSRELEASE=6.1\nno equals sign\n", "offset=0xe");
    assertMalformed("OSRELEASE=6.1\n=value\n", "no KEY=VALUE");
    assertMalformed("OSRELEASE=6.1\nA=\u0007\n", "not text");
    assertThatThrownBy(() -> parse("OSRELEASE=6.1\n").buildId())
        .isInstanceOf(MalformedDataException.class);
    assertThatThrownBy(() -> parse("OSRELEASE=6.1\nBUILD-ID=../../etc/passwd\n").buildId())
        .isInstanceOf(MalformedDataException.class);
    assertThatThrownBy(() -> parse("OSRELEASE=6.1\nKERNELOFFSET=xyz\n").slide())
        .isInstanceOf(MalformedDataException.class);
    assertThatThrownBy(() -> parse("OSRELEASE=6.1\nNUMBER(phys_base)=1e9\n").physBase())
        .isInstanceOf(MalformedDataException.class);
    assertThatThrownBy(
            () ->
                parse(GOOD.replace("phys_base)=-75497472", "phys_base)=-7549747200")).pagingRoot())
        .isInstanceOf(MalformedDataException.class);
  }

  @Test
  void damagedTextGivesAValueOrATypedException() {
    Mutations.survive(
        GOOD.getBytes(StandardCharsets.ISO_8859_1),
        20_000,
        bytes -> {
          VmcoreInfo info = VmcoreInfo.parse("test", bytes);
          info.release();
          info.buildId();
          info.slide();
          info.symbol("init_uts_ns");
          info.pagingRoot();
        });
  }

  private static void assertMalformed(String text, String problem) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining(problem);
  }
}
