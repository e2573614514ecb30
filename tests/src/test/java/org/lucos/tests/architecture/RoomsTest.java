package org.lucos.tests.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PausedGuest;

class RoomsTest {
  private static final JavaClasses PRODUCT = Product.classes();

  @Test
  void everyClassLivesInARoom() {
    assertThat(PRODUCT)
        .filteredOn(type -> !isModuleDescription(type.getPackageName()))
        .allSatisfy(
            type ->
                assertThat(Arrays.stream(Room.values()))
                    .as(type.getName())
                    .anyMatch(room -> room.holds(type.getPackageName())));
  }

  @ParameterizedTest
  @EnumSource
  void roomUsesOnlyWhatItMay(Room room) {
    noClasses()
        .that()
        .resideInAPackage(room.packages())
        .should()
        .dependOnClassesThat(
            resideInAPackage("org.lucos..").and(not(resideInAnyPackage(room.mayUsePackages()))))
        .because("of the arrows between rooms")
        .allowEmptyShould(true)
        .check(PRODUCT);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "org.lucos.bridge.(*)..",
        "org.lucos.patcher.(*)..",
        "org.lucos.bench.(*)..",
        "org.lucos.(*).."
      })
  void roomsFormNoCycles(String rooms) {
    slices().matching(rooms).should().beFreeOfCycles().check(PRODUCT);
  }

  @Test
  void onlyTheNativeRoomImportsNativeMappings() {
    noClasses()
        .that()
        .resideOutsideOfPackage(Room.JNA.packages())
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("com.sun.jna..", "jnr..", "com.kenai.jffi..")
        .check(PRODUCT);
  }

  @Test
  void onlyTheLibvirtRoomSpeaksToLibvirt() {
    noClasses()
        .that()
        .resideOutsideOfPackages(Room.LIBVIRT.packages(), Room.JNA.packages())
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.libvirt..")
        .check(PRODUCT);
  }

  @Test
  void onlyTheCommandLineSpeaksToTheTerminal() {
    noClasses()
        .that()
        .resideOutsideOfPackages(Room.CLI.packages(), Room.BENCH_CLI.packages())
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("picocli..", "me.tongfei.progressbar..")
        .check(PRODUCT);
  }

  @Test
  void theBridgeKnowsNoLinux() {
    noClasses()
        .that()
        .resideInAPackage("org.lucos.bridge..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.lucos.patcher..")
        .check(PRODUCT);
  }

  @Test
  void thePatcherKnowsNoBench() {
    noClasses()
        .that()
        .resideInAnyPackage("org.lucos.bridge..", "org.lucos.patcher..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.lucos.bench..")
        .check(PRODUCT);
  }

  @Test
  void buildSeesNoGuest() {
    noClasses()
        .that()
        .resideInAPackage(Room.BUILD.packages())
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.lucos.bridge..", Room.KERNEL.packages())
        .allowEmptyShould(true)
        .check(PRODUCT);
  }

  @Test
  void healthAndTransactionDoNotKnowEachOther() {
    for (Room[] pair :
        new Room[][] {{Room.HEALTH, Room.TRANSACTION}, {Room.TRANSACTION, Room.HEALTH}}) {
      noClasses()
          .that()
          .resideInAPackage(pair[0].packages())
          .should()
          .dependOnClassesThat()
          .resideInAPackage(pair[1].packages())
          .because("the application layer decides on revert")
          .allowEmptyShould(true)
          .check(PRODUCT);
    }
  }

  @Test
  void onlyTransactionsAndGuestCallsWriteGuestMemory() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            Room.TRANSACTION.packages(), Room.GUESTCALL.packages(), "org.lucos.bridge..")
        .should()
        .callMethodWhere(
            Product.calls(PausedGuest.class, "write")
                .or(Product.calls(PausedGuest.class, "writeAll"))
                .or(Product.calls(GuestDomain.class, "writeUnreachable")))
        .check(PRODUCT);
  }

  @Test
  void theTableItselfHasNoHiddenArrows() {
    assertThat(Room.BUILD.mayUse()).doesNotContain(Room.KERNEL, Room.DOMAIN, Room.MEMORY);
    assertThat(Room.CLI.mayUse()).containsExactlyInAnyOrder(Room.CLI, Room.APP, Room.REFUSAL);
    assertThat(Room.TRANSACTION.mayUse()).doesNotContain(Room.HEALTH, Room.LIBVIRT, Room.QEMU);
    assertThat(Room.PLAN.mayUse()).doesNotContain(Room.TRANSACTION, Room.GUESTCALL);
  }

  private static boolean isModuleDescription(String packageName) {
    return Set.of("org.lucos.bridge", "org.lucos.patcher", "org.lucos.bench").contains(packageName);
  }
}
