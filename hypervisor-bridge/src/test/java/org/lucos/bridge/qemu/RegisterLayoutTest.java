package org.lucos.bridge.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.vcpu.VcpuRegisters;

class RegisterLayoutTest {
  private static final String TARGET =
      "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
          + "<architecture>i386:x86-64</architecture><xi:include href=\"core.xml\"/></target>";

  /** Some registers of other sizes between those wanted, as QEMU has them. */
  private static String core() {
    StringBuilder xml =
        new StringBuilder("<!DOCTYPE feature SYSTEM \"gdb-target.dtd\"><feature name=\"core\">");
    for (String name : RegisterLayout.needed()) {
      int bits = name.equals("eflags") || name.equals("cs") ? 32 : 64;
      xml.append("<reg name=\"" + name + "\" bitsize=\"" + bits + "\" type=\"int\"/>");
      xml.append("<reg name=\"st" + name + "\" bitsize=\"80\" type=\"i387_ext\"/>");
    }
    return xml.append("</feature>").toString();
  }

  private static RegisterLayout parse(String core) throws RspException {
    return RegisterLayout.parse(Map.of("core.xml", core));
  }

  @Test
  void filesIncludedAreFetched() throws Exception {
    assertThat(
            RegisterLayout.fetch(
                name -> name.equals("target.xml") ? TARGET : "<x>" + name + "</x>"))
        .containsExactly(Map.entry("target.xml", TARGET), Map.entry("core.xml", "<x>core.xml</x>"));
  }

  @Test
  void registersAreFoundByTheSizesOfThoseBefore() throws RspException {
    ByteBuffer block = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
    for (String name : RegisterLayout.needed()) {
      if (name.equals("eflags") || name.equals("cs")) {
        block.putInt(name.equals("cs") ? 0x33 : 0x80000246);
      } else {
        block.putLong(name.hashCode());
      }
      block.position(block.position() + 10);
    }
    VcpuRegisters registers = parse(core()).decode(3, HexFormat.of().formatHex(block.array()));
    assertThat(registers.index()).isEqualTo(3);
    assertThat(registers.rip().value()).isEqualTo("rip".hashCode());
    assertThat(registers.rsp().value()).isEqualTo("rsp".hashCode());
    assertThat(registers.general().get(15)).isEqualTo("r15".hashCode());
    assertThat(registers.rflags()).isEqualTo(0x80000246L);
    assertThat(registers.inUserMode()).isTrue();
    assertThat(registers.kernelGsBase().value()).isEqualTo("k_gs_base".hashCode());
    assertThat(registers.cr3()).isEqualTo("cr3".hashCode());
  }

  @Test
  void shortBlockIsRefused() {
    assertThatThrownBy(() -> parse(core()).decode(0, "00".repeat(100)))
        .isInstanceOf(RspException.class)
        .hasMessageContaining("bytes=100");
  }

  @Test
  void errorInPlaceOfTheBlockIsTold() {
    assertThatThrownBy(() -> parse(core()).decode(0, "E22"))
        .isInstanceOf(RspException.class)
        .hasMessageContaining("answer=E22");
  }

  @Test
  void registerThatIsNotKnownIsRefused() {
    assertThatThrownBy(() -> parse(core()).decode(0, "xx".repeat(1000)))
        .isInstanceOf(RspException.class)
        .hasMessageContaining("rax");
  }

  @Test
  void otherProcessorIsRefused() {
    assertThatThrownBy(() -> parse("<feature><reg name=\"x0\" bitsize=\"64\"/></feature>"))
        .isInstanceOf(RspException.class)
        .hasMessageContaining("rax");
  }

  @Test
  void gapsInNumberingAreRefused() {
    assertThatThrownBy(() -> parse(core().replaceFirst("bitsize", "regnum=\"7\" bitsize")))
        .isInstanceOf(RspException.class)
        .hasMessageContaining("numbered");
  }

  @Test
  void anyDescriptionIsParsedOrRefused() {
    Random random = new Random(5);
    for (int round = 0; round < 500; round++) {
      StringBuilder xml = new StringBuilder(core());
      for (int i = random.nextInt(4); i >= 0; i--) {
        xml.setCharAt(random.nextInt(xml.length()), "<>\"&0 9-".charAt(random.nextInt(8)));
      }
      try {
        assertThat(parse(xml.toString())).isNotNull();
      } catch (RspException e) {
        assertThat(e.kind()).isEqualTo(RspException.Kind.MALFORMED);
      }
    }
  }
}
