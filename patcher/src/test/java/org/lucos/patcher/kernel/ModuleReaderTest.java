package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.LoadedModule.Kind;
import org.lucos.patcher.kernel.LoadedModule.State;

class ModuleReaderTest {
  @TempDir private Path cache;

  private final SyntheticKernel guest = new SyntheticKernel();
  private RunningKernel kernel;

  @BeforeEach
  void attach() {
    kernel = RunningKernel.attach(new FakeDomain("guest", guest), cache);
  }

  private long field(long struct, String member) {
    return struct + guest.offset("module", member);
  }

  @Test
  void aModuleTellsItsMemoryByKind() {
    long struct = guest.addModule("first");
    guest.put32(field(struct, "refcnt"), 3);

    LoadedModule module = kernel.module("first").orElseThrow();

    assertThat(module.state()).isEqualTo(State.LIVE);
    assertThat(module.references()).isEqualTo(2);
    assertThat(module.struct().value()).isEqualTo(struct);
    assertThat(module.parts())
        .extracting(LoadedModule.Part::kind)
        .containsExactly(Kind.TEXT, Kind.RODATA, Kind.DATA);
    assertThat(module.part(Kind.TEXT).orElseThrow().size()).isEqualTo(2048);
    assertThat(module.part(Kind.INIT_TEXT)).isEmpty();
    assertThat(module.containsText(module.part(Kind.TEXT).orElseThrow().start())).isTrue();
    assertThat(module.containsText(module.part(Kind.DATA).orElseThrow().start())).isFalse();
    assertThat(kernel.module("second")).isEmpty();
  }

  @Test
  void aModuleThatIsStillTakingShapeIsNotThere() {
    long struct = guest.addModule("shaping");
    guest.put32(field(struct, "state"), 3);
    assertThat(kernel.modules()).isEmpty();

    guest.put32(field(struct, "state"), 4);
    assertThatThrownBy(kernel::modules).isInstanceOf(MalformedDataException.class);
  }

  @Test
  void symbolsComeInTableOrderWithTheirModule() {
    long struct = guest.addModule("m");
    long data = kernel.modules().get(0).part(Kind.DATA).orElseThrow().start().value();
    long text = kernel.modules().get(0).part(Kind.TEXT).orElseThrow().start().value();
    symbols(struct, data);
    for (int i = 1; i < 4; i++) {
      guest.put32(data + i * 24L, i == 3 ? 0 : 1);
      guest.put64(data + i * 24L + 8, text + i * 16L);
    }

    guest.put32(data + 2 * 24L + 4, 0x12); // STB_GLOBAL, STT_FUNC
    LoadedModule module = kernel.modules().get(0);

    assertThat(module.symbols()).extracting(KernelSymbol::name).containsExactly("abc", "abc");
    assertThat(module.globalSymbols()).containsExactly(module.symbols().get(1));
    assertThat(module.all("abc").get(1).address().value()).isEqualTo(text + 32);
    assertThat(module.symbols().get(0).module()).contains("m");
    assertThat(module.symbols().get(0).isText()).isTrue();
    assertThat(module.enclosing(module.symbols().get(1).address().plus(100)))
        .contains(module.symbols().get(1));
    assertThat(module.enclosing(kernel.symbols().address("_stext"))).isEmpty();
  }

  /** A table of four symbols at {@code data}, strings and letters behind it. */
  private void symbols(long struct, long data) {
    long table = guest.allocate(32, 8);
    guest.put64(table, data);
    guest.put32(table + 8, 4);
    guest.put64(table + 16, data + 200);
    guest.put64(table + 24, data + 300);
    guest.text(data + 201, "abc");
    guest.text(data + 300, "ttttt");
    guest.put64(field(struct, "kallsyms"), table);
  }

  @Test
  void symbolsOutsideOfTheModuleAreMalformed() {
    long struct = guest.addModule("m");
    long data = kernel.modules().get(0).part(Kind.DATA).orElseThrow().start().value();
    symbols(struct, data);
    long table = guest.get64(field(struct, "kallsyms"));
    LoadedModule module = kernel.modules().get(0);

    guest.put32(table + 8, -1);
    assertThatThrownBy(module::symbols).isInstanceOf(MalformedDataException.class);
    guest.put32(table + 8, 4);
    guest.put32(data + 24, 0x7fff_ffff);
    assertThatThrownBy(module::symbols).isInstanceOf(MalformedDataException.class);
    guest.put64(table + 16, 0);
    assertThatThrownBy(module::symbols).isInstanceOf(MalformedDataException.class);
    guest.put64(field(struct, "kallsyms"), 0);
    assertThatThrownBy(kernel.modules().get(0)::symbols).isInstanceOf(MalformedDataException.class);
  }

  @Test
  @Timeout(60)
  void aRingThatDoesNotEndIsMalformed() {
    long first = guest.addModule("first");
    long second = guest.addModule("second");
    guest.addModule("third");
    guest.put64(field(second, "list"), field(first, "list"));

    assertThatThrownBy(kernel::modules)
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("does not end");
  }

  @Test
  void absurdMemoryIsATypedFailure() {
    long struct = guest.addModule("m");
    for (long base : new long[] {1, 0x7fff_0000_0000L, -4096, -1}) {
      guest.put64(field(struct, "core_layout"), base);
      assertThatThrownBy(kernel::modules).isInstanceOf(MalformedDataException.class);
    }
    guest.put64(field(struct, "core_layout"), SyntheticKernel.START);
    guest.put32(field(struct, "core_layout") + 8, -1);
    assertThatThrownBy(kernel::modules).isInstanceOf(MalformedDataException.class);
    for (long list : new long[] {0, 8, -8, Long.MIN_VALUE + 8}) {
      guest.put64(field(struct, "list"), list);
      assertThatThrownBy(kernel::modules)
          .isInstanceOfAny(MalformedDataException.class, MemoryFaultException.class);
    }
  }

  @Test
  void usersAreNamed() {
    long used = guest.addModule("used");
    long user = guest.addModule("user");
    long use = guest.allocate(48, 8);
    guest.put64(use, field(used, "source_list"));
    guest.put64(use + 32, user);
    guest.put64(field(used, "source_list"), use);

    assertThat(kernel.module("used").orElseThrow().users()).isEqualTo(List.of("user"));

    guest.put64(use + 32, used + 8);
    assertThatThrownBy(kernel::modules).hasMessageContaining("used by no module");
  }
}
