package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.btf.BtfKind;
import org.lucos.patcher.btf.BtfWriter;
import org.lucos.patcher.btf.BtfWriter.Member;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.RefusedException;

class BtfTypesTest {
  private final BtfWriter writer = new BtfWriter();
  private final int int32 = writer.integer("int", 4);
  private final int int64 = writer.integer("long", 8);

  private BtfTypes types() {
    return BtfTypes.parse("test", writer.bytes());
  }

  @Test
  void membersAreFoundThroughNestedAndAnonymousStructs() {
    int inner = writer.struct("inner", 16, new Member("a", int32, 0), new Member("b", int64, 8));
    int hidden = writer.struct("", 16, new Member("x", int32, 4), new Member("in", inner, 8));
    int either = writer.union("", 24, new Member("", hidden, 0), new Member("y", int64, 0));
    writer.struct("outer", 40, new Member("first", int64, 0), new Member("", either, 16));

    StructLayout outer = types().struct("outer");

    assertThat(outer.size()).isEqualTo(40);
    assertThat(outer.offsetOf("first")).isZero();
    assertThat(outer.offsetOf("x")).isEqualTo(20);
    assertThat(outer.offsetOf("y")).isEqualTo(16);
    assertThat(outer.offsetOf("in.b")).isEqualTo(32);
    assertThat(outer.field("in").size()).isEqualTo(16);
    assertThat(outer.members())
        .extracting(Field::path)
        .containsExactly("outer.first", "outer.x", "outer.in", "outer.y");
    assertThat(outer.find("in.c")).isEmpty();
    assertThat(outer.find("first.b")).isEmpty();
    assertThatThrownBy(() -> outer.field("in.c"))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("outer.in.c");
    assertThatThrownBy(() -> outer.find("in..b")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void arrayElementsAreFoundByNumber() {
    int block =
        writer.struct("block", 16, new Member("base", int64, 0), new Member("size", int32, 8));
    int blocks = writer.array(block, int32, 7);
    int matrix = writer.array(writer.array(int32, int32, 3), int32, 2);
    int open = writer.array(int32, int32, 0);
    writer.struct(
        "all",
        200,
        new Member("mem", blocks, 8),
        new Member("m", matrix, 120),
        new Member("open", open, 144));

    StructLayout all = types().struct("all");

    assertThat(all.offsetOf("mem[2].size")).isEqualTo(8 + 2 * 16 + 8);
    assertThat(all.field("mem").elements()).isEqualTo(7);
    assertThat(all.field("mem").size()).isEqualTo(7 * 16);
    assertThat(all.offsetOf("m[1][2]")).isEqualTo(120 + 4 * (3 + 2));
    assertThat(all.offsetOf("open[5]")).isEqualTo(144 + 20);
    assertThat(all.find("mem[7]")).isEmpty();
    assertThat(all.find("mem[0].size[0]")).isEmpty();
  }

  @Test
  void bitFieldsSayWhereTheyAre() {
    writer.struct(
        "flags",
        8,
        new Member("a", int32, 0, 3),
        new Member("b", int32, 3, 7),
        new Member("c", int32, 32, 0));
    int three = writer.oddInteger("unsigned", 4, 3, 2);
    writer.struct("old", 4, new Member("d", three, 0));

    Field b = types().struct("flags").field("b");
    Field c = types().struct("flags").field("c");
    Field d = types().struct("old").field("d");

    assertThat(b.isBitField()).isTrue();
    assertThat(List.of(b.offset(), b.size())).containsExactly(0L, 2L);
    assertThat(b.read(new byte[] {(byte) 0xa8, 0x03, 0, 0, 9, 0, 0, 0}, 0)).isEqualTo(0x75);
    assertThat(c.isBitField()).isFalse();
    assertThat(c.read(new byte[] {0, 0, 0, 0, 9, 0, 0, 0}, 0)).isEqualTo(9);
    assertThat(d.bitShift()).isEqualTo(2);
    assertThat(d.read(new byte[] {0x1c, 0, 0, 0}, 0)).isEqualTo(7);
  }

  @Test
  void sizesAreSeenThroughTypedefsAndQualifiers() {
    int name = writer.alias(BtfKind.TYPEDEF, "u64", int64);
    int constant = writer.alias(BtfKind.CONST, "", name);
    int tagged = writer.alias(BtfKind.TYPE_TAG, "rcu", constant);
    writer.struct("s", 24, new Member("n", tagged, 0), new Member("p", writer.pointer(tagged), 8));
    writer.function("f");
    writer.section(".data", int32);

    assertThat(types().sizeOf("u64")).isEqualTo(8);
    assertThat(types().sizeOf("s")).isEqualTo(24);
    assertThat(types().struct("s").field("n").size()).isEqualTo(8);
    assertThat(types().struct("s").field("p").size()).isEqualTo(8);
    assertThatThrownBy(() -> types().sizeOf("f")).isInstanceOf(RefusedException.class);
  }

  @Test
  void enumeratorsHaveTheirValues() {
    writer.enumeration("state", "LIVE", "COMING", "GOING");
    writer.signedEnumerator("MINUS", -5);
    writer.enumerator64("HUGE", 0xdead_beef_1234_5678L);
    writer.enumeration("same", "COMMON", "LIVELY");
    writer.enumeration("other", "COMMON", "MORE");
    writer.enumeration("clash", "MORE");

    assertThat(types().enumerator("GOING")).isEqualTo(2);
    assertThat(types().enumerator("MINUS")).isEqualTo(-5);
    assertThat(types().enumerator("HUGE")).isEqualTo(0xdead_beef_1234_5678L);
    assertThat(types().enumerator("COMMON")).isZero();
    assertThat(types().findEnumerator("NONE")).isEmpty();
    assertThatThrownBy(() -> types().enumerator("NONE")).isInstanceOf(RefusedException.class);
    assertThatThrownBy(() -> types().enumerator("MORE"))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("several values");
  }

  @Test
  void oneOfSeveralStructsIsChosenByItsMembersOrRefused() {
    writer.struct("twin", 8, new Member("left", int32, 0));
    writer.struct("twin", 16, new Member("left", int32, 0), new Member("right", int64, 8));

    assertThatThrownBy(() -> types().struct("twin"))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("2 types have this name");
    assertThat(types().findStruct("twin", List.of("right")).orElseThrow().size()).isEqualTo(16);
    assertThat(types().findStruct("twin", List.of("middle"))).isEmpty();
    assertThatThrownBy(() -> types().sizeOf("twin")).isInstanceOf(RefusedException.class);
    assertThat(types().findStruct("int")).isEmpty();
  }

  @Test
  void typesOfAModuleGoOnFromThoseOfItsKernel() {
    int base = writer.struct("base", 8, new Member("left", int32, 0));
    BtfWriter split = new BtfWriter(writer.nextType(), writer.nextString());
    split.struct("own", 24, new Member("b", base, 8), new Member("p", split.pointer(base), 16));

    BtfTypes module = types().withModule("module", split.bytes());

    assertThat(module.struct("own").offsetOf("b.left")).isEqualTo(8);
    assertThat(module.struct("own").field("b").size()).isEqualTo(8);
    assertThat(module.struct("base").size()).isEqualTo(8);
    assertThat(types().findStruct("own")).isEmpty();
  }

  @Test
  void endlessTypesAreMalformed() {
    int next = writer.nextType();
    writer.alias(BtfKind.TYPEDEF, "one", next + 1);
    writer.alias(BtfKind.TYPEDEF, "two", next);
    int array = writer.nextType();
    writer.array(array, int32, 1);
    writer.struct("loop", 8, new Member("m", next, 0));
    writer.struct("arrays", 8, new Member("m", array, 0));
    int self = writer.nextType();
    writer.struct("self", 8, new Member("", self, 0));
    writer.array(int64, int32, -1);

    assertMalformed(() -> types().sizeOf("one"), "typedefs without end");
    assertMalformed(() -> types().struct("loop").find("m"), "typedefs without end");
    assertMalformed(() -> types().struct("arrays").find("m"), "arrays without end");
    assertMalformed(() -> types().struct("self").find("m"), "nested too deep");
    assertMalformed(() -> types().struct("self").members(), "nested too deep");
  }

  @Test
  void brokenReferencesAreMalformed() {
    byte[] good = writer.bytes();
    byte[] bigEndian = good.clone();
    bigEndian[0] = (byte) 0xeb;
    bigEndian[1] = (byte) 0x9f;
    assertMalformed(() -> BtfTypes.parse("test", bigEndian), "big-endian");
    assertMalformed(() -> BtfTypes.parse("test", new byte[0]), "data ends early");
    byte[] version = good.clone();
    version[2] = 2;
    assertMalformed(() -> BtfTypes.parse("test", version), "version");
    byte[] unterminated = good.clone();
    unterminated[good.length - 1] = 'x';
    assertMalformed(() -> BtfTypes.parse("test", unterminated), "strings do not end");
    assertMalformed(() -> BtfTypes.parse("test", Arrays.copyOf(good, good.length - 1)), "range");
    BtfWriter dangling = new BtfWriter();
    dangling.pointer(7);
    assertMalformed(() -> BtfTypes.parse("test", dangling.bytes()), "no such type: 7");
    BtfWriter nameless = new BtfWriter();
    nameless.type("", BtfKind.STRUCT, 1, false, 8, 1 << 20, 0, 0);
    assertMalformed(() -> BtfTypes.parse("test", nameless.bytes()), "string outside");
  }

  @Test
  void damagedBtfGivesAValueOrATypedException() {
    membersAreFoundThroughNestedAndAnonymousStructs();
    arrayElementsAreFoundByNumber();
    enumeratorsHaveTheirValues();
    typesOfAModuleGoOnFromThoseOfItsKernel();
    writer.function("f");
    writer.section(".data", int32);

    Mutations.survive(
        writer.bytes(),
        30_000,
        bytes -> {
          BtfTypes types = BtfTypes.parse("test", bytes);
          for (String name : List.of("outer", "all", "base", "own")) {
            types.findStruct(name).ifPresent(BtfTypesTest::exercise);
          }
          types.findEnumerator("GOING");
          types.findEnumerator("HUGE");
          types.sizeOf("int");
        });
  }

  private static void exercise(StructLayout layout) {
    layout.size();
    layout.members();
    for (String path : List.of("in.b", "mem[2].size", "m[1][2]", "open[5]", "b.left", "y")) {
      layout.find(path);
    }
  }

  private static void assertMalformed(Runnable action, String problem) {
    assertThatThrownBy(action::run)
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining(problem);
  }
}
