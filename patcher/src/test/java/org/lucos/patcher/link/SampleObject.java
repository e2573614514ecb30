package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.lucos.patcher.bytes.ByteWriter;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfBuilder;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.RelocationType;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;

/**
 * An object as a compiler makes it of a kernel source file, with one place of every kind that the
 * kernel rewrites. All of it is in function {@code alpha}; {@code beta} and {@code counter} are
 * local, and other objects have some of that name.
 */
final class SampleObject {
  static final String NAME = "fs/sample.o";

  private static final long CODE = ElfFormat.SHF_ALLOC | ElfFormat.SHF_EXECINSTR;
  private static final long DATA = ElfFormat.SHF_ALLOC | ElfFormat.SHF_WRITE;

  private final ElfBuilder builder = new ElfBuilder();
  private final ByteWriter code = new ByteWriter();
  private final List<Field> fields = new ArrayList<>();
  private final Map<String, Integer> marks = new LinkedHashMap<>();
  private final Map<String, ElfBuilder.Symbol> undefined = new LinkedHashMap<>();

  private record Field(int at, RelocationType type, String symbol, long addend) {}

  private SampleObject() {}

  /** Makes the object. */
  static Built build() {
    return new SampleObject().run();
  }

  /**
   * The object.
   *
   * @param marks offsets in {@code .text} by name
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Built(byte[] file, Map<String, Integer> marks) {
    ElfObject elf() {
      return ElfObject.parse(NAME, file);
    }

    int mark(String name) {
      return Objects.requireNonNull(marks.get(name), name);
    }
  }

  private Built run() {
    marks.put("alpha", 0);
    emit("f30f1efa");
    mark("fentry");
    emit("e8");
    field(RelocationType.PLT32, "__fentry__", -4);
    mark("body");
    emit("55" + "4889e5");
    mark("global");
    emit("488b05");
    field(RelocationType.PC32, "global_value", -4);
    mark("string");
    emit("48c7c7");
    int string = placeholder();
    mark("local data");
    emit("8b05");
    int counter = placeholder();
    mark("local call");
    emit("e8");
    int beta = placeholder();
    mark("jump label");
    emit("0f1f440000");
    mark("lock");
    emit("f0" + "48ff00");
    mark("alternative");
    emit("909090");
    mark("paravirt");
    emit("ff1425");
    field(RelocationType.ABS_32S, "pv_ops", 8);
    mark("static call");
    emit("e8");
    field(RelocationType.PLT32, "__SCT__some", -4);
    mark("retpoline");
    emit("2ee8");
    field(RelocationType.PLT32, "__x86_indirect_thunk_r11", -4);
    mark("pointer");
    emit("48b8efcdab8967452301");
    mark("shift");
    emit("c1e80c");
    mark("warn");
    emit("0f0b");
    mark("branch");
    emit("7400");
    mark("end of alpha");
    emit("5d");
    mark("return");
    emit("e9");
    field(RelocationType.PLT32, "__x86_return_thunk", -4);
    emit("cc");
    int alphaEnd = code.size();
    while (code.size() % 16 != 0) {
      code.u8(0x90);
    }
    int betaStart = code.size();
    marks.put("beta", betaStart);
    emit("b801000000" + "9090" + "c3");
    int betaEnd = code.size();

    ElfBuilder.Section text =
        builder.section(".text", ElfFormat.SHT_PROGBITS, CODE, 16, 0, code.toBytes());
    for (Field field : fields) {
      builder.relocation(
          text,
          field.at(),
          field.type(),
          undefined.computeIfAbsent(
              field.symbol(), name -> builder.undefined(name, SymbolType.NOTYPE)),
          field.addend());
    }
    ElfBuilder.Section strings =
        builder.section(
            ".rodata.str1.1",
            ElfFormat.SHT_PROGBITS,
            ElfFormat.SHF_ALLOC | ElfFormat.SHF_MERGE | ElfFormat.SHF_STRINGS,
            1,
            1,
            Bytes.of("xx\0hello\0".getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
    ElfBuilder.Section data = builder.noBits(".bss", DATA, 8, 16);
    ElfBuilder.Section cold =
        builder.section(
            ".text.unlikely",
            ElfFormat.SHT_PROGBITS,
            CODE,
            1,
            0,
            Bytes.of(HexFormat.of().parseHex("31c0e900000000")));
    ElfBuilder.Symbol textSymbol = builder.sectionSymbol(text);
    builder.symbol("alpha", text, 0, alphaEnd, SymbolBinding.GLOBAL, SymbolType.FUNC);
    builder.symbol(
        "beta", text, betaStart, betaEnd - betaStart, SymbolBinding.LOCAL, SymbolType.FUNC);
    builder.symbol("alpha.cold", cold, 0, 7, SymbolBinding.LOCAL, SymbolType.FUNC);
    builder.symbol("counter", data, 4, 4, SymbolBinding.LOCAL, SymbolType.OBJECT);
    builder.relocation(text, string, RelocationType.ABS_32S, builder.sectionSymbol(strings), 3);
    builder.relocation(text, counter, RelocationType.PC32, builder.sectionSymbol(data), 0);
    builder.relocation(text, beta, RelocationType.PLT32, textSymbol, betaStart - 4);
    builder.relocation(cold, 3, RelocationType.PLT32, textSymbol, offset("end of alpha") - 4);

    relativeTable(".altinstructions", text, 14, 0, "alternative", 12, 3);
    absoluteTable(".parainstructions", text, 16, "paravirt", 9, 7);
    absoluteTable("__mcount_loc", text, 8, "fentry", -1, 0);
    relativeTable(".smp_locks", text, 4, 0, "lock", -1, 0);
    relativeTable("runtime_ptr_x", text, 4, 2, "pointer", -1, 0);
    relativeTable("runtime_shift_x", text, 4, 2, "shift", -1, 0);
    relativeTable("__bug_table", text, 12, 0, "warn", -1, 0);
    ElfBuilder.Section jumps =
        builder.section("__jump_table", ElfFormat.SHT_PROGBITS, DATA, 8, 0, Bytes.of(new byte[16]));
    builder.relocation(jumps, 0, RelocationType.PC32, textSymbol, offset("jump label"));
    builder.relocation(jumps, 4, RelocationType.PC32, textSymbol, offset("end of alpha"));
    return new Built(builder.build(), marks);
  }

  private void emit(String hex) {
    code.bytes(HexFormat.of().parseHex(hex));
  }

  private void mark(String name) {
    marks.put(name, code.size());
  }

  private int offset(String name) {
    return Objects.requireNonNull(marks.get(name), name);
  }

  private int placeholder() {
    int at = code.size();
    code.u32(0);
    return at;
  }

  private void field(RelocationType type, String symbol, long addend) {
    fields.add(new Field(placeholder(), type, symbol, addend));
  }

  private void relativeTable(
      String name,
      ElfBuilder.Section target,
      int size,
      int plus,
      String mark,
      int lengthAt,
      int length) {
    byte[] content = new byte[size];
    if (lengthAt >= 0) {
      content[lengthAt] = (byte) length;
    }
    ElfBuilder.Section table =
        builder.section(name, ElfFormat.SHT_PROGBITS, ElfFormat.SHF_ALLOC, 1, 0, Bytes.of(content));
    builder.relocation(
        table, 0, RelocationType.PC32, builder.sectionSymbol(target), offset(mark) + plus);
  }

  private void absoluteTable(
      String name, ElfBuilder.Section target, int size, String mark, int lengthAt, int length) {
    byte[] content = new byte[size];
    if (lengthAt >= 0) {
      content[lengthAt] = (byte) length;
    }
    ElfBuilder.Section table =
        builder.section(name, ElfFormat.SHT_PROGBITS, ElfFormat.SHF_ALLOC, 8, 0, Bytes.of(content));
    builder.relocation(
        table, 0, RelocationType.ABS_64, builder.sectionSymbol(target), offset(mark));
  }
}
