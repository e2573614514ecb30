package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lucos.patcher.build.diff.KernelC.compare;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.RefusedException;

class ChangeRulesTest {

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "an initial value | int level = 3; | int level = 4; | variable 'level' | initial value",
        "a constant | const int table[2] = { 1, 2 }; | const int table[2] = { 1, 3 }; | variable 'table' | initial value",
        "a size | int list[4] = { 1 }; | int list[5] = { 1 }; | variable 'list' | size",
        "a string in data | const char *name = \"a\"; | const char *name = \"b\"; | variable 'name' | initial value",
        "an operations table | int rare(void); void *ops[] = { rare }; | int rare(void); int often(void); void *ops[] = { often }; | variable 'ops' | initial value",
        "a variable that becomes constant | int fixed = 3; | const int fixed = 3; | variable 'fixed' | moves from section",
        "boot code | __section(\".init.text\") int boot(void) { return 1; } | __section(\".init.text\") int boot(void) { return 2; } | function 'boot' | runs at boot",
        "code for new memory | __section(\".meminit.text\") int more(void) { return 1; } | __section(\".meminit.text\") int more(void) { return 2; } | function 'more' | when memory is added",
        "new boot code | int dummy; | int dummy; __section(\".init.text\") int boot(void) { return 2; } | function 'boot' | runs at boot",
        "exit code | __section(\".exit.text\") int bye(void) { return 1; } | __section(\".exit.text\") int bye(void) { return 2; } | function 'bye' | when its module is unloaded",
        "a function that becomes boot code | int f(void) { return 1; } | __section(\".init.text\") int f(void) { return 1; } int g(void) { return f(); } | function 'f' | runs at boot",
        "noinstr code | notrace __section(\".noinstr.text\") int raw(void) { return 1; } | notrace __section(\".noinstr.text\") int raw(void) { return 2; } | function 'raw' | may not be traced",
        "entry code | notrace __section(\".entry.text\") int raw(void) { return 1; } | notrace __section(\".entry.text\") int raw(void) { return 2; } | function 'raw' | may not be traced",
        "notrace code | notrace int raw(void) { return 1; } | notrace int raw(void) { return 2; } | function 'raw' | __fentry__",
        "notrace code that is handed out | notrace noinline static int raw(void) { return 1; } void f(void) { use(raw); } | notrace noinline static int raw(void) { return 2; } void f(void) { use(raw); } | function 'raw' | __fentry__",
        "notrace code with a pointer | int rare(void); notrace static int raw(void) { return 1; } void *ops[] = { raw }; | int rare(void); notrace static int raw(void) { return 2; } void *ops[] = { raw }; | function 'raw' | __fentry__",
        "a table nobody knows | __section(\"mystery\") extern int t[]; int f(int x) { asm volatile(\"1: nop\\n.pushsection mystery,\\\"a\\\"\\n.quad 1b\\n.popsection\"); return x; } | int f(int x) { asm volatile(\"1: nop\\n.pushsection mystery,\\\"a\\\"\\n.quad 1b\\n.popsection\"); return x + 1; } | function 'f' | section mystery",
        "a weak function | __attribute__((weak)) int f(void) { return 1; } | __attribute__((weak)) int f(void) { return 2; } | function 'f' | weak",
        "a function that becomes weak | int f(void) { return 1; } | __attribute__((weak)) int f(void) { return 2; } | function 'f' | weak",
        "a new per-CPU variable | int f(void) { return 1; } | __section(\".data..percpu\") int mine; int f(void) { return mine; } | variable 'mine' | per-CPU",
        "a per-CPU initial value | __section(\".data..percpu\") int mine = 1; | __section(\".data..percpu\") int mine = 2; | variable 'mine' | initial value",
        "a dropped export | int f(void) { return 1; } EXPORT_SYMBOL(f); | int f(void) { return 1; } | exported symbols | section ___ksymtab+f",
        "a new parameter | int x; | int x; __section(\"__param\") void *p = &x; | kernel parameters | section __param",
        "a new initcall | int f(void) { return 1; } | int f(void) { return 1; } __section(\".initcall6.init\") void *call = f; | initcalls | section .initcall6.init",
        "system call metadata | __section(\"__syscalls_metadata\") int m = 1; | __section(\"__syscalls_metadata\") int m = 2; | system call metadata | section __syscalls_metadata",
        "a tracepoint | int dummy; | int dummy; __section(\"__tracepoints\") int t = 2; | tracepoints | section __tracepoints",
        "a section nobody knows | int dummy; | int dummy; __section(\"mystery\") int t = 2; | section mystery | boot only",
        "a static key of the patch | int f(int x) { return x; } | static struct static_key mine; int f(int x) { if (static_branch(&mine)) return rare(); return x; } | variable 'mine' | static key",
        "a static call of the patch | int f(int x) { return x; } | int mine; int f(int x) { asm volatile(\"1: nop\\n.pushsection .static_call_sites,\\\"aw\\\"\\n.long 1b-.\\n.long mine-.\\n.popsection\"); mine = x; return x; } | variable 'mine' | static call",
        "a variable that is gone but used | int state = 1; int f(int x) { return x; } | extern int state; int f(int x) { return x + state; } | 'state' | removed",
        "a thread-local variable | int f(void) { return 1; } | __thread int own; int f(void) { return own; } | variable 'own' | thread-local",
        "an indirect function | int f(void) { return 1; } | int g(void) { return 2; } void *pick(void) { return g; } int f(void) __attribute__((ifunc(\"pick\"))); | function | boot"
      })
  void isRefused(String what, String before, String after, String subject, String detail) {
    assertThatThrownBy(() -> compare(before + "\n", after + "\n"))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> {
              assertThat(refused.refusal()).isInstanceOf(ChangeRefusal.UnsupportedChange.class);
              assertThat(refused.refusal().code()).isEqualTo("unsupported-change");
              assertThat(refused.refusal().exitCode()).isEqualTo(ExitCode.UNSUPPORTED_CHANGE);
              assertThat(refused).hasMessageContaining(subject).hasMessageContaining(detail);
            });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "int a = 1; | int a = 2; | callback, keep new state in a shadow variable",
        "int a[2]; | int a[3]; | shadow variable",
        "int b; | int b; __section(\".data..percpu\") int own; int f(void) { return own; } | alloc_percpu",
        "__section(\".init.text\") int f(void) { return 1; } | __section(\".init.text\") int f(void) { return 2; } | in a callback what it would have done",
        "notrace int f(void) { return 1; } | notrace int f(void) { return 2; } | change what calls it",
        "int f(void) { return 1; } EXPORT_SYMBOL(f); | int f(void) { return 1; } | leave that out of the diff",
        "int f(int x) { return x; } | static struct static_key k; int f(int x) { if (static_branch(&k)) return rare(); return x; } | plain variable"
      })
  void whatToDoInsteadIsSaid(String before, String after, String remedy) {
    assertThatThrownBy(() -> compare(before + "\n", after + "\n"))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal().remedy())
                    .contains(remedy)
                    .contains("plan a reboot into the fixed kernel"));
  }

  @Test
  void anImageOfNothingIsRefused() {
    String source = "int f(void) { return 1; }\n";

    assertThatThrownBy(() -> PatchImage.of(List.of(compare(source, source))))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal())
                    .isEqualTo(new ChangeRefusal.NothingChanged("dir/test.o")));
  }

  @Test
  void unchangedThingsOfEverySectionAreNoObstacle() {
    String source =
        """
        noinline int f(int x) { return x + printk("f"); }
        EXPORT_SYMBOL(f);
        __section(".init.text") int boot(void) { return f(1); }
        __section(".initcall6.init") void *call = boot;
        __section("__param") void *param = &call;
        __section(".data..percpu") int mine = 4;
        __section("__tracepoints") struct static_key point = { 1, &point };
        notrace __section(".noinstr.text") int raw(void) { return mine; }
        __attribute__((weak)) int maybe(void) { return 1; }
        """;

    assertThat(compare(source, source.replace("return x + p", "return x - p")).replacedFunctions())
        .containsExactly("f");
  }

  @Test
  void aShortJumpIntoAnotherFunctionIsRefused() {
    String source =
        """
        #define __sched __section(".sched.text")
        __sched static noinline int slow(int x) { return x + printk("slow"); }
        __sched int lock(int x) { if (x) return x; return slow(x); }
        """;

    assertThatThrownBy(() -> compare(source, source.replace("return x;", "return x - 1;")))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("'lock'")
        .hasMessageContaining("short jump");
  }
}
