package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.CFunctions.CFunction;

class CFunctionsTest {
  private static final String FILE =
      """
      #include <x.h>
      struct s {
      	int f;
      };
      /* a comment */
      static int first(int a,
      		 int b)
      {
      	if (a) {
      		return b;
      	}
      	return 0;
      }
      EXPORT_SYMBOL(first);

      SYSCALL_DEFINE2(sethostname, char __user *, name, int, len)
      {
      	return 0;
      }

      COMPAT_SYSCALL_DEFINE1(times, int, x)
      {
      	return 0;
      }
      void
      second(void)
      {
      }
      """;

  @Test
  void findsFunctionsWithTheirWholeHead() {
    CFunctions functions = CFunctions.of(FILE);
    assertThat(functions.functions())
        .extracting(CFunction::name)
        .containsExactly("first", "sys_sethostname", "compat_sys_times", "second");
    assertThat(functions.find("first")).contains(new CFunction("first", 6, 8, 13));
    assertThat(functions.find("second")).contains(new CFunction("second", 25, 27, 28));
  }

  @Test
  void doesNotChooseBetweenTwoOfOneName() {
    String twice = "int f(void)\n{\n}\n\nint f(void)\n{\n}\n";
    assertThat(CFunctions.of(twice).find("f")).isEmpty();
  }

  @Test
  void endsWithAFileThatDoesNot() {
    assertThat(CFunctions.of("int f(void)\n{\n").functions()).isEmpty();
    assertThat(CFunctions.of("{\n}\n").functions()).isEmpty();
    assertThat(CFunctions.of("").functions()).isEmpty();
  }
}
