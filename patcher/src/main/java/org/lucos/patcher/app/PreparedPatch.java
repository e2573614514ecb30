package org.lucos.patcher.app;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.lucos.patcher.build.PatchDescription;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.LinkedPatch;
import org.lucos.patcher.link.Linker;
import org.lucos.patcher.link.ModuleImage;
import org.lucos.patcher.plan.PatchPlan;
import org.lucos.patcher.plan.Planner;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.Ledger;

/**
 * A bundle checked against a running kernel as far as that is possible without writing to it: what
 * {@code plan} shows and {@code apply} goes on from.
 */
record PreparedPatch(CheckedBundle bundle, LinkedPatch linked, PatchPlan plan) {

  /**
   * @param file the bundle's, for errors
   * @param leftover what to do with this patch's module if an interrupted operation left it in the
   *     guest, redirecting nothing
   */
  static PreparedPatch prepare(
      RunningKernel kernel,
      Path file,
      CheckedBundle bundle,
      Phases phases,
      Consumer<GuestPatch> leftover) {
    kernel
        .loaderPolicy()
        .objection()
        .ifPresent(
            policy -> {
              throw new RefusedException(new GuestRefusal.ModulesForbidden(policy));
            });
    phases.begin("link");
    PatchObject object =
        bundle.bundle().variantFor(kernel.identity().release(), kernel.identity().buildId());
    object.requireObjectFiles(file.toString());
    GuestPatch.find(kernel, object.variant().moduleName())
        .ifPresent(
            present -> {
              switch (present.state()) {
                case APPLIED, FAILED, ORPHANED -> throw applied(present);
                case LOADED -> leftover.accept(present);
                case RETAINED -> {
                  // is taken again
                }
              }
            });
    List<String> absent = absent(object.variant().modules(), kernel);
    if (!absent.isEmpty()) {
      throw new RefusedException(new StateRefusal.ModuleNotLoaded(absent));
    }
    LinkedPatch linked = Linker.link(object, kernel);
    phases.begin("plan");
    return new PreparedPatch(bundle, linked, Planner.plan(linked, kernel));
  }

  /** Those of the modules that the guest has not loaded, or not to the end. */
  static List<String> absent(List<String> modules, RunningKernel kernel) {
    Set<String> live =
        kernel.modules().stream()
            .filter(module -> module.state() == LoadedModule.State.LIVE)
            .map(LoadedModule::name)
            .collect(Collectors.toSet());
    return modules.stream().filter(name -> !live.contains(name)).toList();
  }

  static RefusedException applied(GuestPatch present) {
    return new RefusedException(
        new StateRefusal.AlreadyApplied(
            present.ledger().patch(), "its state is " + present.state()));
  }

  PatchDescription description() {
    return bundle.bundle().manifest().description();
  }

  /** What the operator is to be told. */
  List<String> warnings() {
    List<String> all = new ArrayList<>(plan.warnings());
    bundle.warning().ifPresent(all::add);
    return all;
  }

  /** The module's name in the guest. */
  String moduleName() {
    return plan.module();
  }

  /** The module as the guest's loader takes it, with the ledger inside. */
  byte[] image(RunningKernel kernel, Instant when) {
    return ModuleImage.of(linked, kernel, ledger(when).encode());
  }

  private Ledger ledger(Instant when) {
    List<Ledger.Target> targets =
        plan.functions().stream()
            .map(
                site ->
                    new Ledger.Target(
                        site.name(),
                        site.replacement(),
                        site.site().value(),
                        java.util.HexFormat.of().formatHex(site.original().toArray()),
                        site.ranges().stream()
                            .map(r -> new Ledger.Code(r.start().value(), r.size()))
                            .toList()))
            .toList();
    return new Ledger(
        Ledger.FORMAT,
        description().name(),
        description().description(),
        description().fixes(),
        "lucos " + Version.current(),
        when.toString(),
        targets,
        linked.variant().escapes().stream().map(PatchVariant.Escape::symbol).toList(),
        linked.variant().callbacks().stream()
            .map(
                callback ->
                    new Ledger.Callback(
                        callback.kind(),
                        callback.function(),
                        linked.variant().moduleOf(callback.object()).orElse(""),
                        callback.run(),
                        callback.slot()))
            .toList(),
        linked.modules().stream()
            .map(
                module ->
                    new Ledger.PatchedModule(
                        module.name(),
                        module.struct().value(),
                        new Ledger.Code(module.text().start().value(), module.text().size())))
            .toList());
  }
}
