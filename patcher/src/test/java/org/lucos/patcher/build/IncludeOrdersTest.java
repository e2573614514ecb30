package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSortedMap;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.KernelObjects.KernelObject;

class IncludeOrdersTest {
  private static final String COMMON =
      "cmd_x.o := gcc -nostdinc -I/src/arch/x86/include -I./arch/x86/include/generated"
          + " -I/src/include -I./include -I/src/include/uapi -include /src/include/linux/kconfig.h";

  private final IncludeOrders orders =
      IncludeOrders.of(
          new KernelObjects(
              ImmutableSortedMap.of(
                  "fs/xfs/x.o", object("fs/xfs/x", COMMON + " -I /src/fs/xfs -I /src/fs/xfs/lib"),
                  "fs/y.o", object("fs/y", COMMON)),
              List.of()),
          Path.of("/src"));

  private static KernelObject object(String name, String command) {
    return new KernelObject(name + ".o", name + ".c", new Placement.BuiltIn(), command);
  }

  private Optional<String> behind(String header, String... there) {
    return orders.behind(header, Set.of(there)::contains);
  }

  @Test
  void ordersAreReadAsTheCompilerHasThem() {
    assertThat(orders.orders())
        .contains(
            List.of(
                "arch/x86/include",
                "arch/x86/include/generated",
                "include",
                "include",
                "include/uapi"));
  }

  @Test
  void aHeaderThatIsFoundLaterIsBehind() {
    assertThat(behind("arch/x86/include/asm/a.h", "arch/x86/include/generated/asm/a.h"))
        .contains("arch/x86/include/generated/asm/a.h");
    assertThat(behind("fs/xfs/a.h", "fs/xfs/lib/a.h")).contains("fs/xfs/lib/a.h");
    assertThat(behind("include/linux/a.h", "include/uapi/linux/a.h"))
        .contains("include/uapi/linux/a.h");
  }

  @Test
  void oneThatIsFoundEarlierIsNot() {
    assertThat(behind("include/uapi/linux/a.h", "include/linux/a.h")).isEmpty();
    assertThat(behind("fs/xfs/lib/a.h", "fs/xfs/a.h")).isEmpty();
    assertThat(behind("fs/xfs/linux/a.h", "include/linux/a.h", "fs/xfs/lib/linux/a.h"))
        .as("found before both")
        .isEmpty();
  }

  @Test
  void noneOfItsName() {
    assertThat(behind("include/linux/a.h", "include/linux/b.h", "include/linux/a.h")).isEmpty();
    assertThat(behind("drivers/a.h", "fs/xfs/lib/a.h", "include/a.h")).isEmpty();
  }
}
