package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.RefusedException;

class SymbolTableTest {
  private static final long TEXT = 0xffff_ffff_8100_0000L;

  private static final List<KernelSymbol> SYMBOLS =
      List.of(
          symbol("_stext", TEXT, 'T'),
          symbol("first", TEXT, 't'),
          symbol("second", TEXT + 0x40, 'T'),
          symbol("twin", TEXT + 0x80, 't'),
          symbol("middle", TEXT + 0xc0, 't'),
          symbol("twin", TEXT + 0x100, 't'),
          symbol("x".repeat(300), TEXT + 0x180, 'd'),
          symbol("_end", TEXT + 0x200, 'B'),
          symbol("current_task", 0x1fb80, 'A'));

  private static KernelSymbol symbol(String name, long address, char type) {
    return new KernelSymbol(name, at(address), type, Optional.empty());
  }

  private static GuestVirtualAddress at(long address) {
    return new GuestVirtualAddress(address);
  }

  private static SymbolTable decoded(boolean signed) {
    List<KernelSymbol> symbols = new ArrayList<>(SYMBOLS);
    symbols.removeIf(symbol -> !signed && !symbol.address().isKernel());
    return Kallsyms.decode(KallsymsWriter.write(symbols, TEXT, signed), at(TEXT));
  }

  @Test
  void everySymbolComesBackFromEitherEncoding() {
    for (boolean signed : List.of(true, false)) {
      SymbolTable table = decoded(signed);
      List<KernelSymbol> found = new ArrayList<>();
      for (int i = 0; i < table.size(); i++) {
        found.add(table.get(i));
      }
      assertThat(found)
          .containsExactlyInAnyOrderElementsOf(
              SYMBOLS.stream().filter(s -> signed || s.address().isKernel()).toList());
    }
  }

  @Test
  void perCpuSymbolsAreOffsetsAndEncloseNothing() {
    SymbolTable table = decoded(true);

    assertThat(table.address("current_task")).isEqualTo(at(0x1fb80));
    assertThat(table.enclosing(at(0x1fb80))).isEmpty();
    assertThat(table.enclosing(at(TEXT - 1))).isEmpty();
  }

  @Test
  void ambiguousNamesAreRefusedAndListedInAddressOrder() {
    SymbolTable table = decoded(true);

    assertThat(table.all("twin"))
        .extracting(KernelSymbol::address)
        .containsExactly(at(TEXT + 0x80), at(TEXT + 0x100));
    assertThatThrownBy(() -> table.address("twin")).isInstanceOf(RefusedException.class);
    assertThatThrownBy(() -> table.find("twin"))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("2 symbols");
    assertThatThrownBy(() -> table.address("absent")).isInstanceOf(RefusedException.class);
    assertThat(table.find("absent")).isEmpty();
    assertThat(table.all("absent")).isEmpty();
  }

  @Test
  void addressesAreEnclosedByTheSymbolBeforeThem() {
    SymbolTable table = decoded(true);

    assertThat(table.enclosing(at(TEXT + 0x3f))).map(KernelSymbol::name).contains("_stext");
    assertThat(table.enclosing(at(TEXT + 0x40))).map(KernelSymbol::name).contains("second");
    assertThat(table.enclosing(at(TEXT + 0x200))).map(KernelSymbol::name).contains("_end");
    assertThat(table.enclosing(at(TEXT + 0x201))).isEmpty();
    assertThat(table.enclosing(at(-1))).isEmpty();
  }

  @Test
  void aSymbolReachesToTheNextAddressThatHasOne() {
    SymbolTable table = decoded(true);

    assertThat(table.range(SYMBOLS.get(0))).isEqualTo(new AddressRange(at(TEXT), 0x40));
    assertThat(table.range(SYMBOLS.get(1))).isEqualTo(new AddressRange(at(TEXT), 0x40));
    assertThat(table.range(SYMBOLS.get(7)).size()).isZero();
    assertThat(table.within(new AddressRange(at(TEXT + 0x40), 0x60)))
        .extracting(KernelSymbol::name)
        .containsExactly("second", "twin");
    assertThat(table.within(new AddressRange(at(0), 0x20000)))
        .extracting(KernelSymbol::name)
        .containsExactly("current_task");
    assertThatThrownBy(() -> table.range(symbol("no", TEXT + 1, 't')))
        .isInstanceOf(RefusedException.class);
  }

  @Test
  void aTableMadeOfSymbolsIsTheSameAsOneDecoded() {
    SymbolTable table = SymbolTable.of(SYMBOLS);

    assertThat(table.size()).isEqualTo(SYMBOLS.size());
    assertThat(table.get(0)).isEqualTo(SYMBOLS.get(8));
    assertThat(table.address("second")).isEqualTo(at(TEXT + 0x40));
    assertThat(SymbolTable.of(List.of()).all("any")).isEmpty();
  }

  @Test
  void tablesThatContradictVmcoreinfoAreMalformed() {
    assertThatThrownBy(
            () -> Kallsyms.decode(KallsymsWriter.write(SYMBOLS, TEXT, true), at(TEXT + 16)))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("_stext");
  }

  @Test
  void damagedTablesGiveAValueOrATypedException() {
    Kallsyms.Tables good = KallsymsWriter.write(SYMBOLS, TEXT, true);
    Mutations.survive(
        good.names(),
        5_000,
        names -> decode(good, names, good.tokenTable(), good.tokenIndex(), good.offsets()));
    Mutations.survive(
        good.tokenTable(),
        5_000,
        table -> decode(good, good.names(), table, good.tokenIndex(), good.offsets()));
    Mutations.survive(
        good.tokenIndex(),
        5_000,
        index -> decode(good, good.names(), good.tokenTable(), index, good.offsets()));
    Mutations.survive(
        good.offsets(),
        5_000,
        offsets -> decode(good, good.names(), good.tokenTable(), good.tokenIndex(), offsets));
  }

  private static void decode(
      Kallsyms.Tables good, byte[] names, byte[] table, byte[] index, byte[] offsets) {
    SymbolTable symbols =
        Kallsyms.decode(
            new Kallsyms.Tables(good.count(), names, table, index, offsets, good.relativeBase()),
            at(TEXT));
    symbols.all("twin");
    symbols.enclosing(at(TEXT + 0x50)).ifPresent(symbols::range);
  }
}
