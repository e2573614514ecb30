package org.lucos.tests.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class HabitsTest {
  private static final int LONGEST_FILE = 400;

  private static final JavaClasses PRODUCT = Product.classes();

  @Test
  void noStaticStateChanges() {
    fields()
        .that()
        .areStatic()
        .and()
        .doNotHaveName("$assertionsDisabled")
        .should()
        .beFinal()
        .check(PRODUCT);
  }

  @Test
  void onlyProgramsUseStandardStreamsAndEndTheProcess() {
    noClasses()
        .that()
        .resideOutsideOfPackages(Room.CLI.packages(), Room.BENCH_CLI.packages())
        .and()
        .haveSimpleNameNotEndingWith("Main")
        .should(ACCESS_STANDARD_STREAMS)
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .check(PRODUCT);
  }

  @Test
  void wallClocksAndRandomnessAreInjected() {
    noClasses()
        .should()
        .callMethod(Instant.class, "now")
        .orShould()
        .callMethod(LocalDateTime.class, "now")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Math.class, "random")
        .orShould()
        .callConstructor(Random.class)
        .check(PRODUCT);
  }

  @Test
  void loggingGoesThroughOneFacade() {
    NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING.check(PRODUCT);
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("org.lucos.patcher.cli.Logging") // sets it up
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ch.qos.logback..")
        .check(PRODUCT);
  }

  @Test
  void everyPackageSaysWhatLivesThereAndIsNullMarked() throws IOException {
    Set<Path> packages = new TreeSet<>();
    for (Path source : Product.sources()) {
      if (source.toString().contains("/src/main/")) {
        packages.add(source.getParent());
      }
    }
    assertThat(packages)
        .isNotEmpty()
        .allSatisfy(
            folder ->
                assertThat(folder.resolve("package-info.java"))
                    .exists()
                    .content()
                    .contains("@org.jspecify.annotations.NullMarked")
                    .startsWith("/**"));
  }

  @Test
  void filesStaySmall() throws IOException {
    List<String> tooLong = new ArrayList<>();
    for (Path source : Product.sources()) {
      try (var lines = Files.lines(source)) {
        long count = lines.count();
        if (count > LONGEST_FILE) {
          tooLong.add(source + ": " + count + " lines");
        }
      }
    }
    assertThat(tooLong).isEmpty();
  }
}
