package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lucos.patcher.build.diff.KernelC.compare;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.PatchVariant.CallbackKind;
import org.lucos.patcher.build.PatchVariant.NewFunction;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.RefusedException;

class CallbackSlotsTest {
  private static final String SOURCE =
      """
      int changed(int x) { return printk("changed %d", x); }
      """;

  /** As kernel-patches/include/lucos.h has it. */
  private static final String HEADER =
      """
      struct object { const char *name; void *mod; };
      struct lucos_callback { unsigned state; int result; unsigned enabled, kind;
        int (*run)(void *); void *function; };
      int far(struct object *o);
      #define CALLBACK(name, number, fn) \\
        static int lucos_run_##name(void *mod); \\
        static struct object object_##name __section(".data.lucos.objects") = { "it" }; \\
        static struct lucos_callback lucos_callback_##name __attribute__((used)) \\
          __section(".data.lucos.callbacks") = \\
          { .kind = number, .run = lucos_run_##name, .function = (void *)fn }; \\
        static noinline int lucos_run_##name(void *mod) { \\
          *(volatile unsigned *)&lucos_callback_##name.state = 1; \\
          object_##name.mod = mod; \\
          lucos_callback_##name.result = fn(&object_##name); \\
          *(volatile unsigned *)&lucos_callback_##name.state = 2; \\
          return lucos_callback_##name.result; }
      static noinline int ready(struct object *o) { return printk(o->name); }
      static noinline int gone(struct object *o) { return printk("gone"); }
      """;

  private static PatchImage image(String callbacks) {
    PatchImage image = PatchImage.of(List.of(compare(SOURCE, HEADER + callbacks + SOURCE)));
    ImageChecks.check(image);
    return image;
  }

  @Test
  void callbacksOfAFileAreTakenAlongAndNamed() {
    PatchImage image = image("CALLBACK(pre_patch, 1, ready)\nCALLBACK(post_unpatch, 4, gone)\n");

    assertThat(image.functions()).isEmpty();
    assertThat(image.newFunctions().stream().map(NewFunction::name))
        .contains("ready", "gone", "lucos_run_pre_patch", "lucos_run_post_unpatch");
    assertThat(image.callbacks())
        .anySatisfy(
            callback -> {
              assertThat(callback.kind()).isEqualTo(CallbackKind.PRE_PATCH);
              assertThat(callback.function()).isEqualTo("ready");
              assertThat(callback.object()).isEqualTo("dir/test.o");
              assertThat(callback.run()).isEqualTo("lucos_run_pre_patch");
              assertThat(callback.slot()).isEqualTo("lucos_callback_pre_patch");
            })
        .anySatisfy(
            callback -> {
              assertThat(callback.kind()).isEqualTo(CallbackKind.POST_UNPATCH);
              assertThat(callback.function()).isEqualTo("gone");
            })
        .hasSize(2);
  }

  @Test
  void bookkeepingOfCallbacksDoesNotKeepAModuleLoaded() {
    assertThat(image("CALLBACK(pre_patch, 1, ready)\n").escapes()).isEmpty();
  }

  @Test
  void aCallbackThatIsNoFunctionOfTheFileIsRefused() {
    assertThatThrownBy(() -> image("CALLBACK(pre_patch, 1, far)\n"))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("must be a function of the same file");
  }

  @Test
  void anUnknownKindIsMalformed() {
    assertThatThrownBy(() -> image("CALLBACK(pre_patch, 9, ready)\n"))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("kind of callback: 9");
  }
}
