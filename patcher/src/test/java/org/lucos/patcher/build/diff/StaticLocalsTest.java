package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lucos.patcher.build.diff.KernelC.compare;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.refusal.RefusedException;

class StaticLocalsTest {
  private static final String COUNTERS =
      """
      int first(int x) { static int count; count += x; return count; }
      int second(int x) { static int count; count -= x; return count; }
      int third(int x) { static int count = 5; count *= x; return count; }
      """;

  @Test
  void numbersThatShiftChangeNothing() {
    String early = "int early(int x) { static int total; total ^= x; return total; }\n";

    Extraction extraction = compare(COUNTERS, early + COUNTERS);

    assertThat(extraction.replacedFunctions()).isEmpty();
    assertThat(extraction.newFunctions()).containsExactly("early");
  }

  @Test
  void changedCodeKeepsTheKernelsVariable() {
    String early = "int early(int x) { static int count = 9; count ^= x; return count; }\n";
    String changed = COUNTERS.replace("count -= x", "count -= 2 * x");

    PatchImage image = PatchImage.of(List.of(compare(COUNTERS, early + changed)));

    String original = symbolOf("second", COUNTERS);
    assertThat(image.references())
        .extracting(SymbolReference::symbol)
        .contains("dir/test.o:" + original)
        .noneMatch(s -> s.contains("count") && !s.endsWith(":" + original));
  }

  @Test
  void severalOfOneChangedFunctionAreToldApartByContentOrRefused() {
    String source =
        """
        int both(int x) {
          int r = 0;
          { static TYPE v ONE; v.n += x; r += v.n; use(v.s); }
          { static TYPE v TWO; v.n -= 3 * x; r ^= v.n; use(v.s); }
          return r;
        }
        """
            .replace("TYPE", "struct { const char *s; int n; }");
    String told = source.replace("ONE", "= { \"one\" }").replace("TWO", "= { \"two\" }");
    String alike = source.replace("ONE", "= { 0 }").replace("TWO", "= { 0 }");

    PatchImage image =
        PatchImage.of(List.of(compare(told, told.replace("return r;", "return r + 1;"))));

    assertThat(image.references())
        .filteredOn(r -> r.kernelName().startsWith("v."))
        .hasSize(2)
        .allMatch(SymbolReference::local);
    assertThatThrownBy(() -> compare(alike, alike.replace("return r;", "return r + 1;")))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("variable 'v.")
        .hasMessageContaining("cannot be told");
  }

  @Test
  void aNewStaticLocalGoesIntoTheImage() {
    String changed =
        COUNTERS.replace("count *= x;", "static int calls = 3; calls++; count *= x + calls;");

    Extraction extraction = compare(COUNTERS, changed);
    PatchImage image = PatchImage.of(List.of(extraction));

    assertThat(extraction.replacedFunctions()).containsExactly("third");
    assertThat(image.references())
        .noneMatch(r -> r.kernelName().startsWith("calls"))
        .anyMatch(r -> r.kernelName().startsWith("count."));
  }

  @Test
  void aVariableThatMovesToAnotherFunctionIsRefused() {
    String before =
        """
        int first(int x) { static int state; state += x; return state; }
        int second(int x) { return x; }
        """;
    String after =
        """
        int first(int x) { return x; }
        int second(int x) { static int state; state += x; return state; }
        """;

    assertThatThrownBy(() -> compare(before, after))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("variable 'state.")
        .hasMessageContaining("cannot be told");
  }

  @Test
  void onceFlagsNeverBlock() {
    String once = "static char __section(\".data.once\") __already_done;";
    String before =
        "int first(int x) { "
            + once
            + " if (!__already_done) { __already_done = 1; rare(); } return x; }\n"
            + "int second(int x) { return x; }\n";
    String after =
        "int first(int x) { return x; }\n"
            + "int second(int x) { "
            + once
            + " if (!__already_done) { __already_done = 1; rare(); } return x; }\n";

    Extraction extraction = compare(before, after);

    assertThat(extraction.replacedFunctions()).containsExactly("first", "second");
  }

  /** The name the compiler gave the counter of a function. */
  private static String symbolOf(String function, String source) {
    ObjectModel model = new ObjectModel(KernelC.sections(source));
    for (Piece piece : model.pieces()) {
      if (piece.name().equals(function)) {
        List<Reference> references = new ArrayList<>(model.references(piece));
        model.entries(piece).forEach(entry -> references.addAll(entry.references()));
        for (Reference reference : references) {
          if (reference.target() instanceof Target.Inside inside && !inside.piece().isFunction()) {
            return inside.piece().name();
          }
        }
      }
    }
    throw new IllegalArgumentException(function);
  }

  @Test
  void aKeyOnlyAJumpLabelRefersToIsTheKernels() {
    String source =
        """
        int first(int x) { static struct static_key key; if (static_branch(&key)) return rare(); return x; }
        int second(int x) { static struct static_key key; if (static_branch(&key)) return rare(); return x + 1; }
        """;
    String early =
        "int early(int x) { static struct static_key k, key; use(&k); use(&key); return x; }\n";
    String original = symbolOf("second", source);

    Extraction shifted = compare(source, early + source);
    PatchImage image =
        PatchImage.of(List.of(compare(source, early + source.replace("x + 1", "x + 2"))));

    assertThat(shifted.replacedFunctions()).isEmpty();
    assertThat(image.references())
        .extracting(SymbolReference::symbol)
        .contains("dir/test.o:" + original);
  }
}
