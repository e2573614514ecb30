package org.lucos.patcher.consistency;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;

class RangeIndexTest {
  private static final long TEXT = 0xffffffff81000000L;

  @Test
  void findsWhatALinearSearchFinds() {
    Random random = new Random(1);
    for (int round = 0; round < 300; round++) {
      List<NamedRange> ranges = new ArrayList<>();
      for (int i = random.nextInt(12); i > 0; i--) {
        AddressRange range =
            new AddressRange(
                new GuestVirtualAddress(TEXT + random.nextInt(500)), random.nextInt(60));
        ranges.add(new NamedRange("f" + i, range));
      }
      RangeIndex index = new RangeIndex(ranges);
      for (int i = -10; i < 600; i++) {
        long word = TEXT + i;
        NamedRange found = index.find(word);
        boolean expected = ranges.stream().anyMatch(range -> range.range().contains(word));
        assertThat(found != null).isEqualTo(expected);
        assertThat(found == null || found.range().contains(word)).isTrue();
      }
      assertThat(index.find(0)).isNull();
      assertThat(index.find(-1)).isNull();
    }
  }

  @Test
  void theStartIsInsideAndTheEndIsNot() {
    RangeIndex index =
        new RangeIndex(
            List.of(new NamedRange("f", new AddressRange(new GuestVirtualAddress(TEXT), 16))));
    assertThat(index.find(TEXT)).isNotNull();
    assertThat(index.find(TEXT + 15)).isNotNull();
    assertThat(index.find(TEXT + 16)).isNull();
    assertThat(index.find(TEXT - 1)).isNull();
  }
}
