package org.lucos.tests.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.KernelTree;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant.Kind;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.build.ReferenceObject;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.LinkedFunction;
import org.lucos.patcher.link.LinkedPatch;
import org.lucos.patcher.link.Linker;
import org.lucos.patcher.link.LoadedImage;
import org.lucos.patcher.link.ModuleImage;
import org.lucos.patcher.plan.PatchPlan;
import org.lucos.patcher.plan.PlanVerifier;
import org.lucos.patcher.plan.Planner;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.tests.guest.TestGuest;

/** What linking and planning must do in every supported guest; the guest is the subclass's. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("NullAway.Init") // set by use(), before the first test
abstract class LinkContract {
  private static final String SETHOSTNAME = "__x64_sys_sethostname";

  @TempDir private static Path cache;

  private final Map<String, ReferenceObject> originals = new TreeMap<>();
  private Hypervisor hypervisor;
  private GuestDomain domain;
  private TestGuest guest;
  private RunningKernel kernel;

  /** Attaches to the guest and compiles what the tests need. */
  void use(TestGuest bootedGuest) {
    guest = bootedGuest;
    hypervisor = Hypervisor.open("qemu:///system");
    domain = hypervisor.attach(guest.name());
    kernel = RunningKernel.attach(domain, cache);
    KernelTree tree =
        KernelTrees.onThisHost(
                Path.of(System.getenv().getOrDefault("LUCOS_CACHE", "/var/cache/lucos")))
            .prepare(guest.release(), BuildListener.SILENT);
    assertThat(tree.buildId()).isEqualTo(kernel.identity().buildId());
    originals.putAll(Originals.compile(tree));
  }

  @AfterAll
  void letGo() {
    domain.close();
    hypervisor.close();
  }

  @Test
  void everyFunctionOfManyObjectsIsFoundByteForByte() {
    for (ReferenceObject original : originals.values()) {
      long start = System.nanoTime();
      LinkedPatch linked = Linker.link(patch(original, List.of()), kernel);
      System.out.printf(
          "%s %s: %d functions match, %d ms%n",
          guest.release(),
          original.object(),
          Originals.functions(original).size(),
          (System.nanoTime() - start) / 1_000_000);
      assertThat(linked.symbols()).hasSize(2);
    }
  }

  @Test
  void everyFunctionHasItsKallsymsAddress() {
    ReferenceObject original = original("net/ipv4/tcp_input.o");
    List<TargetFunction> targets =
        Originals.functions(original).stream()
            .filter(symbol -> !symbol.name().contains(".cold"))
            .map(symbol -> HandMadePatch.target(original, symbol.name()))
            .toList();

    LinkedPatch linked = Linker.link(patch(original, targets), kernel);

    for (LinkedFunction function : linked.functions()) {
      assertThat(kernel.symbols().all(function.name()))
          .anyMatch(symbol -> symbol.address().equals(function.code().start()));
    }
    assertThat(linked.functions()).hasSizeGreaterThan(70);
  }

  @Test
  void aChangedByteOfTheObjectIsNamed() {
    ReferenceObject original = original("fs/pipe.o");
    for (String name : List.of("pipe_read", "pipe_write", "create_pipe_files")) {
      ElfObject elf = ElfObject.parse("fs/pipe.o", original.elf());
      ElfSymbol symbol = elf.symbols(name).get(0);
      int offset = Originals.unrelocatedByte(elf, symbol);
      byte[] changed = original.elf().toArray();
      changed[
              Originals.fileOffset(changed, elf, symbol.section())
                  + (int) symbol.value()
                  + offset] ^=
          0x11;

      assertThatThrownBy(
              () ->
                  Linker.link(
                      patch(
                          new ReferenceObject("fs/pipe.o", Optional.empty(), Bytes.of(changed)),
                          List.of()),
                      kernel))
          .isInstanceOfSatisfying(
              RefusedException.class,
              refused ->
                  assertThat(refused.refusal())
                      .isInstanceOfSatisfying(
                          FitRefusal.TextMismatch.class,
                          mismatch -> {
                            assertThat(mismatch.function()).isEqualTo(name);
                            assertThat(mismatch.offset()).isEqualTo(offset);
                          }));
    }
  }

  @Test
  void aChangedByteOfTheGuestIsNamed() {
    ReferenceObject original = original("ipc/sem.o");
    ElfObject elf = ElfObject.parse("ipc/sem.o", original.elf());
    for (String name : List.of("semctl_main", "do_semtimedop")) {
      List<ElfSymbol> found =
          elf.symbols(name).isEmpty() ? elf.symbols("__do_semtimedop") : elf.symbols(name);
      ElfSymbol symbol = found.get(0);
      int offset = Originals.unrelocatedByte(elf, symbol);
      GuestVirtualAddress at = kernel.symbols().address(symbol.name()).plus(offset);

      whileChanged(
          at,
          kernel.memory().u8(at) ^ 0x11,
          () ->
              assertThatThrownBy(() -> Linker.link(patch(original, List.of()), kernel))
                  .isInstanceOfSatisfying(
                      RefusedException.class,
                      refused ->
                          assertThat(refused.refusal())
                              .isInstanceOfSatisfying(
                                  FitRefusal.TextMismatch.class,
                                  mismatch -> {
                                    assertThat(mismatch.function()).isEqualTo(symbol.name());
                                    assertThat(mismatch.offset()).isEqualTo(offset);
                                  })));
    }
    Linker.link(patch(original, List.of()), kernel);
  }

  @Test
  void aPatchForAnotherKernelIsRefused() {
    ReferenceObject original = original("fs/readdir.o");
    PatchObject patch =
        HandMadePatch.of(
            guest.release(),
            Optional.of("00".repeat(20)),
            List.of(original),
            List.of(),
            "jiffies",
            localReference());

    assertThatThrownBy(() -> Linker.link(patch, kernel))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> assertThat(refused.refusal()).isInstanceOf(FitRefusal.WrongKernel.class));
  }

  @Test
  void theModuleLoadsIsVerifiedSwitchedAndSwitchedBack() {
    guest.markKernelLog();
    ReferenceObject original = original("kernel/sys.o");
    PatchObject patch = patch(original, List.of(HandMadePatch.target(original, SETHOSTNAME)));
    LinkedPatch linked = Linker.link(patch, kernel);
    PatchPlan plan = Planner.plan(linked, kernel);
    byte[] image = ModuleImage.of(linked, kernel, "a ledger\0".getBytes(StandardCharsets.US_ASCII));
    guest.write("/tmp/patch.ko", image);

    guest.run("insmod /tmp/patch.ko");
    LoadedModule module = kernel.module(HandMadePatch.MODULE).orElseThrow();
    assertThat(module.all(ModuleImage.LEDGER_SYMBOL)).hasSize(1);
    assertThat(kernel.memory().cString(module.all(ModuleImage.LEDGER_SYMBOL).get(0).address(), 100))
        .isEqualTo("a ledger");
    LoadedImage loaded = LoadedImage.check(linked, image, module, kernel);
    GuestVirtualAddress replacement = loaded.address(HandMadePatch.REPLACEMENT);
    whileChanged(
        replacement.plus(19),
        7,
        () ->
            assertThatThrownBy(() -> LoadedImage.check(linked, image, module, kernel))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining(HandMadePatch.REPLACEMENT));
    List<TextEdit> edits = plan.edits(loaded.addresses());
    List<TextEdit> back = plan.revertEdits(loaded.addresses());
    guest.run("hostname before");
    apply(edits);
    assertThat(PlanVerifier.all(PlanVerifier.State.APPLIED, edits, kernel.memory())).isTrue();
    assertThat(guest.attempt("hostname after").status()).isNotZero();
    LinkedPatch again = Linker.link(patch, kernel);
    assertThat(again.functions().get(0).changes()).hasSize(1);
    assertThatThrownBy(() -> Planner.plan(again, kernel)).isInstanceOf(RefusedException.class);
    apply(back);
    assertThat(PlanVerifier.all(PlanVerifier.State.PENDING, edits, kernel.memory())).isTrue();
    guest.run("hostname after");
    assertThat(guest.run("hostname")).isEqualTo("after");
    guest.run("rmmod " + HandMadePatch.MODULE);

    Linker.link(patch, kernel);
    guest.assertNoKernelWarnings();
  }

  @Test
  void probesAndTracingAreSeenAndRefusedOnlyAtTheSite() {
    String trace = "/sys/kernel/tracing";
    guest.run("mount -t tracefs tracefs " + trace + " 2>/dev/null || true");
    ReferenceObject original = original("kernel/sys.o");
    PatchObject patch = patch(original, List.of(HandMadePatch.target(original, SETHOSTNAME)));
    PatchPlan undisturbed = Planner.plan(Linker.link(patch, kernel), kernel);
    long site = undisturbed.functions().get(0).siteOffset();
    int taken = undisturbed.functions().get(0).taken();
    assertThat(undisturbed.warnings()).isEmpty();

    guest.run("echo 'p:atsite " + SETHOSTNAME + "+" + site + "' > " + trace + "/kprobe_events");
    guest.run("echo 1 > " + trace + "/events/kprobes/atsite/enable");
    assertThatThrownBy(() -> Planner.plan(Linker.link(patch, kernel), kernel))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> assertThat(refused.refusal()).isInstanceOf(BusyRefusal.SiteProbed.class));
    guest.run("echo 0 > " + trace + "/events/kprobes/atsite/enable");
    guest.run("echo > " + trace + "/kprobe_events");

    guest.run(
        "echo 'p:behind " + SETHOSTNAME + "+" + (site + taken) + "' > " + trace + "/kprobe_events");
    guest.run("echo 1 > " + trace + "/events/kprobes/behind/enable");
    PatchPlan probed = Planner.plan(Linker.link(patch, kernel), kernel);
    assertThat(probed.functions()).isEqualTo(undisturbed.functions());
    assertThat(probed.warnings()).singleElement().asString().contains("kprobe");
    guest.run("echo 0 > " + trace + "/events/kprobes/behind/enable");
    guest.run("echo > " + trace + "/kprobe_events");

    guest.run("echo " + SETHOSTNAME + " > " + trace + "/set_ftrace_filter");
    guest.run("echo function > " + trace + "/current_tracer");
    PatchPlan traced = Planner.plan(Linker.link(patch, kernel), kernel);
    assertThat(traced.functions()).isEqualTo(undisturbed.functions());
    assertThat(traced.warnings()).singleElement().asString().contains("traced");
    guest.run("echo nop > " + trace + "/current_tracer");
    guest.run("echo > " + trace + "/set_ftrace_filter");

    assertThat(Planner.plan(Linker.link(patch, kernel), kernel)).isEqualTo(undisturbed);
  }

  @Test
  void mostFunctionsHaveARedirectSite() {
    int planned = 0;
    List<String> refused = new ArrayList<>();
    for (ReferenceObject original : originals.values()) {
      ElfObject elf = ElfObject.parse("o", original.elf());
      List<TargetFunction> targets =
          Originals.functions(original).stream()
              .map(ElfSymbol::name)
              .filter(name -> !name.contains(".cold") && elf.symbols(name).size() == 1)
              .map(name -> HandMadePatch.target(original, name))
              .toList();
      LinkedPatch all = Linker.link(patch(original, targets), kernel);
      for (LinkedFunction function : all.functions()) {
        LinkedPatch one =
            new LinkedPatch(
                all.kernel(),
                all.description(),
                all.variant(),
                all.image(),
                all.modules(),
                List.of(function),
                all.symbols(),
                all.constants());
        try {
          Planner.plan(one, kernel);
          planned++;
        } catch (RefusedException e) {
          refused.add(e.refusal().message());
        }
      }
    }
    System.out.printf("%s: %d sites, %d refused%n", guest.release(), planned, refused.size());
    assertThat(planned).isGreaterThan(20 * refused.size());
  }

  private ReferenceObject original(String object) {
    return Objects.requireNonNull(originals.get(object), object);
  }

  private PatchObject patch(ReferenceObject original, List<TargetFunction> functions) {
    List<ReferenceObject> all = new ArrayList<>(List.of(original));
    if (!original.object().equals("fs/readdir.o")) {
      all.add(original("fs/readdir.o"));
    }
    return HandMadePatch.of(
        guest.release(),
        Optional.of(kernel.identity().buildId()),
        all,
        functions,
        "jiffies",
        localReference());
  }

  /** A local function whose name many objects have. */
  private static SymbolReference localReference() {
    return new SymbolReference(
        "fs/readdir.o:filldir",
        "filldir",
        Optional.of("fs/readdir.o"),
        Kind.FUNCTION,
        true,
        Optional.of("filldir"),
        Optional.empty());
  }

  private void apply(List<TextEdit> edits) {
    try (PausedGuest paused = domain.pause("test")) {
      for (TextEdit edit : edits) {
        paused.write(kernel.memory().physical(edit.at()), edit.expected(), edit.replacement());
      }
      paused.commit();
    }
  }

  /** Changes a byte of the paused guest for as long as something runs. */
  private void whileChanged(GuestVirtualAddress address, int value, Runnable then) {
    try (PausedGuest paused = domain.pause("test")) {
      GuestPhysicalAddress at = kernel.memory().physical(address);
      byte[] before = kernel.memory().bytes(address, 1);
      byte[] after = {(byte) value};
      paused.write(at, before, after);
      then.run();
      paused.write(at, after, before);
      paused.commit();
    }
  }
}
