package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.PatchVariant.CallbackKind;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.refusal.RefusedException;

class KlpObjectTest {
  /** A layout like no kernel's: nothing may be taken for granted. */
  private static final String HEADER =
      """
      struct klp_object;
      struct klp_func { unsigned long extra, old_sympos; void *new_func; const char *old_name; };
      struct klp_callbacks { int (*pre_patch)(struct klp_object *);
        void (*post_patch)(struct klp_object *), (*pre_unpatch)(struct klp_object *),
        (*post_unpatch)(struct klp_object *); };
      struct klp_object { struct klp_func *funcs; const char *name; long more;
        struct klp_callbacks callbacks; };
      struct klp_patch { long a, b; struct klp_object *objs; long c[20]; };
      int klp_enable_patch(struct klp_patch *);
      int kernels_own(int);
      """;

  private static final String PROBE =
      KlpLayout.PROBE
          .replaceAll("#include.*\n", "")
          .replaceFirst("^", "#define offsetof(t, m) __builtin_offsetof(t, m)\n");

  private static final String SOURCE =
      """
      static int seen;
      static noinline int helper(int x) { seen++; return kernels_own(x); }
      static noinline int not_needed(int x) { return printk("not needed %d", x); }
      static int new_one(int x) { printk("new one"); return helper(x); }
      static int new_two(int x) { return x + seen; }
      static int starts(struct klp_object *o) { return printk("starts"); }
      static struct klp_func funcs[] = {
        { .old_name = "old_one", .new_func = new_one },
        { .old_name = "old_two", .new_func = new_two, .old_sympos = 2 }, { } };
      static struct klp_object objs[] = {
        { .funcs = funcs, .callbacks = { .pre_patch = starts } }, { } };
      static struct klp_patch patch = { .objs = objs };
      int init_module(void) { return klp_enable_patch(&patch); }
      void cleanup_module(void) { not_needed(3); }
      """;

  private static KlpLayout layout() {
    return KlpLayout.of(KernelC.sections(HEADER + PROBE));
  }

  private static KlpObject object(String source) {
    return new KlpObject("hand.o", KernelC.sections(HEADER + source));
  }

  @Test
  void whatASourceDeclaresIsReadFromItsData() {
    KlpSource declared = object(SOURCE).declared(layout());

    assertThat(declared.module()).isEmpty();
    assertThat(declared.functions())
        .containsExactly(
            new KlpSource.Function("old_one", 0, "new_one"),
            new KlpSource.Function("old_two", 2, "new_two"));
    assertThat(declared.callbacks())
        .containsExactly(new KlpSource.Callback(CallbackKind.PRE_PATCH, "starts"));
    assertThat(declared.notes())
        .singleElement()
        .asString()
        .contains("cleanup_module is left out", "not_needed");
  }

  @Test
  void theImageHasTheNewFunctionsAndWhatTheyNeedAndNoMore() {
    KlpObject object = object(SOURCE);
    PatchImage image = PatchImage.of(List.of(object.extract(object.declared(layout()))));
    ImageChecks.check(image);

    assertThat(image.functions().stream().map(f -> f.name() + " by " + f.symbol()))
        .containsExactlyInAnyOrder("old_one by new_one", "old_two by new_two");
    assertThat(image.newFunctions().stream().map(f -> f.name())).containsExactly("helper");
    assertThat(image.references().stream().map(SymbolReference::kernelName))
        .containsExactlyInAnyOrder("__fentry__", "printk", "kernels_own", "__x86_return_thunk");
    assertThat(
            ElfObject.parse("image", image.elf()).sections().stream()
                .filter(ElfSection::isAllocated)
                .map(ElfSection::name))
        .noneMatch(name -> name.contains("patch") || name.contains("funcs"));
  }

  @Test
  void anObjectWithANameIsThatModule() {
    String source = SOURCE.replace("{ .funcs = funcs,", "{ .name = \"ext4\", .funcs = funcs,");
    assertThat(object(source).declared(layout()).module()).isEqualTo(Optional.of("ext4"));
  }

  @Test
  void whatCannotBeReadIsRefused() {
    assertRefused(
        SOURCE.replace(".pre_patch = starts } }, { }", "} }, { .name = \"a\", .funcs = funcs }"),
        "several objects");
    assertRefused(SOURCE.replace(".new_func = new_one }", "}"), "needs an old_name");
    assertRefused(SOURCE.replace("klp_enable_patch(&patch)", "0"), "no livepatch");
    assertRefused(SOURCE.replace(".objs = objs", ""), "names no object");
  }

  @Test
  void oneFunctionForTwoIsRefused() {
    KlpObject object = object(SOURCE.replace(".new_func = new_two", ".new_func = new_one"));
    KlpSource declared = object.declared(layout());
    assertThatThrownBy(() -> object.extract(declared))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("it replaces both old_one and old_two");
  }

  @Test
  void anyBytesAreALivepatchOrRefusedOrMalformed() {
    KlpLayout layout = layout();
    byte[] good = KernelC.sectionsObject(HEADER + SOURCE).toArray();
    Random random = new Random(20_261_121);
    for (int i = 0; i < 300; i++) {
      byte[] bad = good.clone();
      for (int j = 0; j < 4; j++) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      }
      Throwable failure =
          catchThrowable(
              () -> {
                KlpObject object = new KlpObject("bad.o", ElfObject.parse("bad", Bytes.of(bad)));
                object.extract(object.declared(layout));
              });
      if (failure != null) {
        assertThat(failure)
            .as("round %d", i)
            .isInstanceOfAny(MalformedDataException.class, RefusedException.class);
      }
    }
  }

  private static void assertRefused(String source, String reason) {
    assertThatThrownBy(() -> object(source).declared(layout()))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining(reason);
  }
}
