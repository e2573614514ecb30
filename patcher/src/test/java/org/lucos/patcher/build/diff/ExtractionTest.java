package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.patcher.build.diff.KernelC.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.PatchVariant.Escape;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;

class ExtractionTest {
  private static PatchImage image(String before, String after) {
    PatchImage image = PatchImage.of(List.of(compare(before, after)));
    ImageChecks.check(image);
    return image;
  }

  /** What the relocations of a section lead to: symbol names, with what is added. */
  private static List<String> links(PatchImage image, String section) {
    ElfObject elf = ElfObject.parse("image", image.elf());
    List<String> links = new ArrayList<>();
    for (ElfRelocation r : elf.relocations(elf.section(section).orElseThrow())) {
      String name =
          r.symbol().name().isEmpty()
              ? elf.section(r.symbol().section()).name()
              : r.symbol().name();
      links.add(
          (r.symbol().isUndefined() ? "kernel " : "image ")
              + name
              + (r.addend() == 0 ? "" : (r.addend() > 0 ? "+" : "") + r.addend()));
    }
    return links;
  }

  private static List<String> loadedSections(PatchImage image) {
    return ElfObject.parse("image", image.elf()).sections().stream()
        .filter(ElfSection::isAllocated)
        .map(ElfSection::name)
        .toList();
  }

  @Test
  void holdsTheChangedFunctionAndNothingElse() {
    String source =
        """
        int level = 4;
        noinline int unrelated(int x) { return printk("unrelated %d", x); }
        int changed(int x) { printk("changed %d", x); return unrelated(x + level); }
        """;

    PatchImage image = image(source, source.replace("x + level", "x - level"));

    assertThat(loadedSections(image))
        .containsExactlyInAnyOrder(".text.changed", ".rodata.str1.1", "__mcount_loc");
    assertThat(links(image, ".text.changed"))
        .containsExactly(
            "kernel __fentry__-4",
            "image .rodata.str1.1",
            "kernel printk-4",
            "kernel dir/test.o:level-4",
            "kernel dir/test.o:unrelated-4");
    assertThat(links(image, "__mcount_loc")).containsExactly("image changed");
    assertThat(
            ElfObject.parse("image", image.elf()).section(".rodata.str1.1").orElseThrow().bytes())
        .asString()
        .isEqualTo("6368616e67656420256400");
  }

  @Test
  void referencesSayWhoDefinesThem() {
    String source =
        """
        extern int far;
        static int near = 4;
        __section(".data..percpu") int mine = 7;
        static noinline int local(int x) { return printk("local", x); }
        noinline int global(int x) { return printk("global", x); }
        int changed(int x) { near++; mine += 2; return local(x) + global(x) + far; }
        """;

    PatchImage image = image(source, source.replace("mine += 2", "mine += 3"));

    String object = "dir/test.o";
    assertThat(image.references())
        .contains(
            reference("far"),
            reference(object, "near", PatchVariant.Kind.OBJECT, true),
            reference(object, "mine", PatchVariant.Kind.PER_CPU, false),
            reference(object, "local", PatchVariant.Kind.FUNCTION, true),
            reference(object, "global", PatchVariant.Kind.FUNCTION, false));
  }

  private static SymbolReference reference(String name) {
    return new SymbolReference(
        name,
        name,
        Optional.empty(),
        PatchVariant.Kind.UNKNOWN,
        false,
        Optional.empty(),
        Optional.empty());
  }

  private static SymbolReference reference(
      String object, String name, PatchVariant.Kind kind, boolean local) {
    return new SymbolReference(
        object + ":" + name,
        name,
        Optional.of(object),
        kind,
        local,
        Optional.of(name),
        Optional.empty());
  }

  @Test
  void branchesGoToTheNewCodeAndPointersToTheOld() {
    String source =
        """
        noinline int target(int x) { return printk("target") + x; }
        int caller(int x) { use(target); use((char *)target + 0); return target(x) + 1; }
        int jumper(int x) { return target(x * 3); }
        """;
    String changed =
        source.replace("+ x; }", "- x; }").replace("+ 1", "+ 2").replace("x * 3", "x * 5");

    PatchImage image = image(source, changed);

    assertThat(links(image, ".text.caller"))
        .containsExactly(
            "kernel __fentry__-4",
            "kernel dir/test.o:target",
            "kernel use-4",
            "kernel dir/test.o:target",
            "kernel use-4",
            "image target-4",
            "kernel __x86_return_thunk-4");
    assertThat(links(image, ".text.jumper"))
        .containsExactly("kernel __fentry__-4", "image target-4");
    assertThat(image.escapes()).isEmpty();
  }

  @Test
  void placesInsideAFunctionAreThoseOfTheNewCode() {
    String source =
        """
        int here(int x) { __label__ spot; spot: use(&&spot); return printk("here") + x; }
        """;

    PatchImage image = image(source, source.replace("+ x", "- x"));

    assertThat(links(image, ".text.here")).anyMatch(l -> l.matches("image here\\+\\d+"));
  }

  @Test
  void newFunctionsAndDataComeAlongAndWhatMayOutliveARevertIsListed() {
    String before = "int start(int x) { return x; }\n";
    String after =
        """
        static noinline int fresh(int x) { return printk("fresh", x); }
        static noinline int callee(int x) { return printk("callee", x); }
        static void *ops[2] = { fresh, callee };
        static int counter = 6;
        static int handed[4];
        static const int primes[3] = { 2, 3, 5 };
        int start(int x) { use(fresh); use(ops); use(handed); counter++;
          return callee(x) + primes[x]; }
        """;

    PatchImage image = image(before, after);

    assertThat(image.functions())
        .extracting(PatchImage.ReplacedFunction::name)
        .containsExactly("start");
    assertThat(image.newFunctions())
        .extracting(PatchVariant.NewFunction::name)
        .containsExactlyInAnyOrder("fresh", "callee");
    assertThat(links(image, ".data.ops")).containsExactly("image fresh", "image callee");
    assertThat(loadedSections(image)).contains(".data.ops", ".data.counter", ".bss.handed");
    assertThat(image.escapes())
        .extracting(Escape::symbol)
        .contains("fresh", "ops", "handed")
        .doesNotContain("counter", "start");
  }

  @Test
  void tablesAreCutDownToTheFunctionsTaken() {
    String source =
        """
        extern struct static_key key;
        #define BODY(n) \\
          alternative("nop; nop; nop", "stac", n); \\
          asm volatile(".pushsection .smp_locks,\\"a\\"\\n.balign 4\\n.long 671f - .\\n.popsection\\n671: lock; incl %0" : : "m" (*p)); \\
          WARN_ON(x > n); \\
          if (static_branch(&key)) return rare() + n; \\
          return get_user(x, p) + x + n;
        int one(int *p, int x) { BODY(1) }
        int two(int *p, int x) { BODY(2) }
        int three(int *p, int x) { BODY(3) }
        """;

    PatchImage image = image(source, source.replace("{ BODY(2) }", "{ BODY(22) }"));

    assertThat(links(image, "__bug_table")).hasSize(2).first().asString().startsWith("image two+");
    assertThat(links(image, "__ex_table")).hasSize(2).allMatch(l -> l.startsWith("image two+"));
    assertThat(links(image, ".smp_locks")).hasSize(1).allMatch(l -> l.startsWith("image two+"));
    assertThat(links(image, "__jump_table")).hasSize(3).last().isEqualTo("kernel key");
    assertThat(links(image, ".altinstructions"))
        .satisfiesExactly(
            place -> assertThat(place).startsWith("image two+"),
            replacement -> assertThat(replacement).isEqualTo("image .altinstr_replacement"));
    ElfObject elf = ElfObject.parse("image", image.elf());
    assertThat(elf.section(".altinstr_replacement").orElseThrow().bytes().toHex())
        .isEqualTo("0f01cb");
    assertThat(elf.section("__bug_table").orElseThrow().size()).isEqualTo(12);
    assertThat(elf.section("__jump_table").orElseThrow().size()).isEqualTo(16);
  }

  @Test
  void coldPartsComeAlong() {
    String source =
        """
        int error(const char *, int) __attribute__((cold));
        int work(int);
        int target(int x) { if (unlikely(x > 9)) { error("one", x); return -22; } return work(x) + 1; }
        int other(int x) { if (unlikely(x > 8)) { error("two", x); return -5; } return work(x) + 2; }
        """;

    PatchImage image = image(source, source.replace("+ 1", "+ 100"));

    assertThat(loadedSections(image))
        .contains(".text.target", ".text.unlikely.target.cold")
        .doesNotContain(".text.other");
    assertThat(links(image, ".text.target")).contains("image target.cold-4");
    assertThat(image.functions().get(0).oldParts()).containsExactly("target.cold");
    assertThat(image.functions().get(0).newParts()).containsExactly("target.cold");
  }

  @Test
  void callersOfWhatCannotBeRedirectedAreReplacedInstead() {
    String source =
        """
        notrace noinline static int hidden(int x) { return printk("hidden") + x; }
        notrace noinline static int deeper(int x) { return hidden(x) * 2; }
        int user(int x) { return deeper(x) + 1; }
        int second(int x) { return hidden(x + 1) + 3; }
        int bystander(int x) { return x; }
        """;

    PatchImage image = image(source, source.replace("+ x; }", "- x; }"));

    assertThat(image.functions())
        .extracting(f -> f.name() + " " + f.oldParts())
        .containsExactlyInAnyOrder("user [deeper, hidden]", "second [hidden]");
    assertThat(image.newFunctions())
        .extracting(PatchVariant.NewFunction::name)
        .containsExactlyInAnyOrder("hidden", "deeper");
    assertThat(links(image, ".text.user")).contains("image deeper-4");
    assertThat(links(image, ".text.deeper")).contains("image hidden-4");
    assertThat(links(image, ".text.second")).contains("image hidden-4");
    assertThat(image.escapes()).isEmpty();
  }

  @Test
  void branchesTheAssemblerResolvedAreFoundAgain() {
    String source =
        """
        #define __sched __section(".sched.text")
        static noinline __sched int callee(int x) { return x + printk("callee"); }
        __sched int first(int x) { return callee(x) * 3; }
        __sched int second(int x) { return callee(x) * 5; }
        """;

    PatchImage image = image(source, source.replace("* 5", "* 500"));

    assertThat(links(image, ".text.second")).contains("kernel dir/test.o:callee-4");
    assertThat(image.references()).anyMatch(r -> r.kernelName().equals("callee") && r.local());
  }

  @Test
  void operandsInSharedSectionsAreResolvedByTheInstructionsLength() {
    String source =
        """
        #define __read_mostly __section(".data..read_mostly")
        static __read_mostly char flags[3] = { 1, 2, 3 };
        static __read_mostly char other = 9;
        void touch(void) { flags[0] = 5; other = 7; }
        int test(int x) { if (other == 3) return x; return flags[2] == 4; }
        """;

    PatchImage image = image(source, source.replace("return x;", "return x + 1;"));

    assertThat(links(image, ".text.test"))
        .contains("kernel dir/test.o:other-5", "kernel dir/test.o:flags-3");
  }

  @Test
  void filesOfOnePatchReferToEachOther() {
    String first =
        """
        int shared(int x) { return printk("shared", x); }
        """;
    String second =
        """
        int shared(int);
        int user(int x) { use(shared); return shared(x) + 1; }
        static noinline int twin(int x) { return printk("twin", x); }
        int pair(int x) { return twin(x) + 3; }
        """;
    String firstChanged =
        """
        int added_data = 4;
        int shared(int x) { return printk("shared!", x); }
        static noinline int twin(int x) { return printk("twin of first", x); }
        int added(int x) { return twin(x) + added_data; }
        """;
    String secondChanged =
        """
        int shared(int); int added(int); extern int added_data;
        int user(int x) { use(shared); use(&added_data); return shared(x) + added(x); }
        static noinline int twin(int x) { return printk("twin of second", x); }
        int pair(int x) { return twin(x) + 3; }
        """;

    PatchImage image =
        PatchImage.of(
            List.of(
                ObjectDiff.compare(
                    "b/second.o", KernelC.sections(second), KernelC.sections(secondChanged)),
                ObjectDiff.compare(
                    "a/first.o", KernelC.sections(first), KernelC.sections(firstChanged))));
    ImageChecks.check(image);

    assertThat(links(image, ".text.user"))
        .contains("image shared-4", "image added-4", "kernel a/first.o:shared", "image added_data");
    assertThat(loadedSections(image)).contains(".text.twin", ".text.twin..2");
    assertThat(image.functions())
        .extracting(f -> f.object() + " " + f.name() + " " + f.symbol())
        .containsExactlyInAnyOrder(
            "a/first.o shared shared", "b/second.o user user", "b/second.o twin twin..2");
  }

  @Test
  void theSameInputsGiveTheSameImage() {
    String source = "int f(int x) { WARN_ON(x); return printk(\"f\"); }\n";
    String changed = source.replace("\"f\"", "\"g\"");

    assertThat(image(source, changed)).isEqualTo(image(source, changed));
  }

  @Test
  void everythingTheImageDefinesIsLocal() {
    String source = "int f(int x) { return printk(\"f\"); }\n";

    PatchImage image = image(source, source.replace("\"f\"", "\"g\""));

    assertThat(ElfObject.parse("image", image.elf()).symbols())
        .filteredOn(ElfSymbol::isInSection)
        .isNotEmpty()
        .allMatch(ElfSymbol::isLocal);
  }
}
