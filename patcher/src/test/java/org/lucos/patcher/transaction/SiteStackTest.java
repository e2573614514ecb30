package org.lucos.patcher.transaction;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.transaction.SiteStack.Layer;

class SiteStackTest {
  private static final GuestVirtualAddress SITE = new GuestVirtualAddress(0xffffffff81000009L);
  private static final byte[] OWN = HexFormat.of().parseHex("554889e541");

  private static Layer layer(String module, byte[] original, long target) {
    return new Layer(
        module,
        "patch " + module,
        TextEdit.redirect(SITE, original, new GuestVirtualAddress(target)),
        List.of());
  }

  private final Layer low = layer("a", OWN, 0xffffffffc0000000L);
  private final Layer middle = layer("b", low.redirect().replacement(), 0xffffffffc0001000L);
  private final Layer high = layer("c", middle.redirect().replacement(), 0xffffffffc0002000L);

  @Test
  void jumpsAreFoundUnderEachOtherInAnyOrderOfTheModuleList() {
    List<Layer> known = new ArrayList<>(List.of(low, middle, high));
    Random random = new Random(1);
    for (int i = 0; i < 6; i++) {
      Collections.shuffle(known, random);
      SiteStack stack = SiteStack.of(SITE, high.redirect().replacement(), known);
      assertThat(stack.layers()).containsExactly(low, middle, high);
      assertThat(stack.own().toArray()).isEqualTo(OWN);
      assertThat(stack.above("a")).containsExactly(middle, high);
      assertThat(stack.above("c")).isEmpty();
      assertThat(stack.heightOf("b")).contains(1);
    }
  }

  @Test
  void whatLiesOnASiteNoMoreIsNotPartOfIt() {
    List<Layer> known = List.of(low, middle, high);
    SiteStack stack = SiteStack.of(SITE, low.redirect().replacement(), known);
    assertThat(stack.layers()).containsExactly(low);
    assertThat(stack.heightOf("c")).isEmpty();
    assertThat(stack.above("c")).isEmpty();
    assertThat(SiteStack.of(SITE, OWN, known).layers()).isEmpty();
  }

  @Test
  void aJumpWhoseGroundIsGoneEndsTheWalk() {
    SiteStack stack = SiteStack.of(SITE, high.redirect().replacement(), List.of(low, high));
    assertThat(stack.layers()).containsExactly(high);
    assertThat(stack.own().toArray()).isEqualTo(middle.redirect().replacement());
  }

  @Test
  void ledgersThatLieOnEachOtherInACircleEnd() {
    byte[] jumpA = layer("a", OWN, 0xffffffffc0000000L).redirect().replacement();
    byte[] jumpB = layer("b", OWN, 0xffffffffc0001000L).redirect().replacement();
    Layer a = layer("a", jumpB, 0xffffffffc0000000L);
    Layer b = layer("b", jumpA, 0xffffffffc0001000L);
    assertThat(SiteStack.of(SITE, jumpA, List.of(a, b)).layers()).containsExactly(b, a);
  }
}
