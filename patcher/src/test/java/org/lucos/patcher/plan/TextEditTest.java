package org.lucos.patcher.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.insn.Decoder;

class TextEditTest {
  private static final byte[] ORIGINAL = {0x55, 0x48, (byte) 0x89, (byte) 0xe5, 0x41};

  @Test
  void aRedirectJumpsWhereItShouldForwardAndBackward() {
    for (long target : new long[] {0xffffffffc0001000L, 0xffffffff81000000L}) {
      long site = 0xffffffff81200005L;
      TextEdit edit =
          TextEdit.redirect(
              new GuestVirtualAddress(site), ORIGINAL, new GuestVirtualAddress(target));
      assertThat(Decoder.decode(edit.replacement(), 0, site).target()).hasValue(target);
      assertThat(edit.reversed().replacement()).isEqualTo(ORIGINAL);
      assertThat(edit.reversed().reversed()).isEqualTo(edit);
    }
  }

  @Test
  void aTargetOutOfReachIsRefused() {
    assertThatThrownBy(
            () ->
                TextEdit.redirect(
                    new GuestVirtualAddress(0xffffffff81000000L),
                    ORIGINAL,
                    new GuestVirtualAddress(0xffff888000000000L)))
        .hasMessageContaining("out of reach");
  }

  @Test
  void anEditNeverChangesTheLength() {
    assertThatThrownBy(() -> new TextEdit(new GuestVirtualAddress(0), new byte[5], new byte[4]))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
