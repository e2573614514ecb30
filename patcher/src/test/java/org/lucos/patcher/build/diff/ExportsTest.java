package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lucos.patcher.build.diff.KernelC.compare;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.refusal.RefusedException;

class ExportsTest {
  /** As of 6.12: one section for all, with the license and the address. */
  private static final String LATER_EXPORT =
      """
      #undef EXPORT_SYMBOL
      #define EXPORT_SYMBOL(s) asm(".section \\".export_symbol\\",\\"a\\"\\n" \\
          "__export_symbol_" #s ": .asciz \\"GPL\\"\\n.asciz \\"\\"\\n.balign 8\\n.quad " #s "\\n.previous\\n")
      """;

  private static final String TWO =
      "int f(int x) { return x; } int g(int x) { return x; } EXPORT_SYMBOL(g);\n";

  private static String form(boolean later) {
    return later ? LATER_EXPORT : "";
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aNewOneIsLeftOutAndNamed(boolean later) {
    String changed = TWO.replace("return x; } int g", "return x + 1; } EXPORT_SYMBOL(f); int g");

    Extraction extraction = compare(form(later) + TWO, form(later) + changed);

    assertThat(extraction.replacedFunctions()).containsExactly("f");
    assertThat(extraction.leftOut()).containsExactly("export of f");
    assertThat(compare(form(later) + TWO, form(later) + TWO + "EXPORT_SYMBOL(f);\n").isEmpty())
        .isTrue();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void oneThatGoesIsRefusedEvenIfAnotherComes(boolean later) {
    String changed = TWO.replace("EXPORT_SYMBOL(g)", "EXPORT_SYMBOL(f)");

    assertThatThrownBy(() -> compare(form(later) + TWO, form(later) + changed))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("exported symbols of dir/test.o");
  }

  @Test
  void anotherModuleOfThePatchMayUseWhatIsNew() {
    String library = "int old(int x) { return x; }\n";
    String fresh = library + "int fresh(int x) { return printk(\"fresh\", x); }\n";
    String user = "int user(int x) { return x; }\n";
    String userChanged = "int fresh(int); int user(int x) { return fresh(x) + 1; }\n";

    assertThat(undefined(library, fresh + "EXPORT_SYMBOL(fresh);\n", user, userChanged))
        .doesNotContain("user_module:fresh");
    assertThat(undefined(library, fresh, user, userChanged))
        .as("not exported: another function of that name is meant")
        .contains("user_module:fresh");
  }

  private static List<String> undefined(
      String library, String libraryChanged, String user, String userChanged) {
    PatchImage image =
        PatchImage.of(
            List.of(
                ObjectDiff.compare(
                    "a/library.o", KernelC.sections(library), KernelC.sections(libraryChanged)),
                ObjectDiff.compare(
                    "b/user.o", KernelC.sections(user), KernelC.sections(userChanged))),
            Map.of("a/library.o", "library_module", "b/user.o", "user_module"));
    ImageChecks.check(image);
    return image.references().stream().map(SymbolReference::symbol).toList();
  }
}
