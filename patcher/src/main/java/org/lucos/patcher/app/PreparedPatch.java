package org.lucos.patcher.app;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.lucos.patcher.build.PatchDescription;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.LinkedPatch;
import org.lucos.patcher.link.Linker;
import org.lucos.patcher.link.ModuleImage;
import org.lucos.patcher.plan.PatchPlan;
import org.lucos.patcher.plan.PlannedFunction;
import org.lucos.patcher.plan.Planner;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.Ledger;
import org.lucos.patcher.transaction.PatchState;
import org.lucos.patcher.transaction.SwitchGround;

/**
 * A bundle checked against a running kernel as far as that is possible without writing to it: what
 * {@code plan} shows and {@code apply} goes on from.
 */
record PreparedPatch(CheckedBundle bundle, LinkedPatch linked, PatchPlan plan) {

  /**
   * @param ground what its jumps will lie on
   * @param leaving modules of patches that it takes the place of
   */
  static PreparedPatch prepare(
      RunningKernel kernel,
      CheckedBundle bundle,
      Phases phases,
      SwitchGround ground,
      Set<String> leaving) {
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
    object.requireObjectFiles(bundle.file().toString());
    requireAbsent(object, kernel, leaving);
    List<String> absent = absent(object.variant().modules(), kernel);
    if (!absent.isEmpty()) {
      throw new RefusedException(new StateRefusal.ModuleNotLoaded(absent));
    }
    LinkedPatch linked = Linker.link(object, kernel, ground::own);
    phases.begin("plan");
    return new PreparedPatch(bundle, linked, Planner.plan(linked, kernel));
  }

  /** Refuses what the guest has already; a module that was retained is taken again. */
  private static void requireAbsent(PatchObject object, RunningKernel kernel, Set<String> leaving) {
    String module = object.variant().moduleName();
    for (GuestPatch present : GuestPatch.all(kernel)) {
      boolean same = present.module().name().equals(module);
      boolean sameName = present.ledger().patch().equals(object.description().name());
      if (same && present.state() != PatchState.RETAINED) {
        throw applied(present);
      }
      if (!same && sameName && present.isInUse() && !leaving.contains(present.module().name())) {
        throw new RefusedException(
            new StateRefusal.AlreadyApplied(
                present.ledger().patch(),
                "as module "
                    + present.module().name()
                    + "; 'lucos apply --replace' puts this one in its place"));
      }
    }
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
            present.ledger().patch(), "its state is " + present.state().label()));
  }

  PatchDescription description() {
    return bundle.bundle().manifest().description();
  }

  /**
   * Refuses to leave tasks inside the old code if that may do harm.
   *
   * @throws RefusedException {@code NotImmediate}
   */
  void requireImmediateSafe() {
    if (!description().immediateSafe()) {
      throw new RefusedException(
          new FitRefusal.NotImmediate(
              description().name(), "its author has not promised that it is safe"));
    }
    if (!linked.variant().callbacks().isEmpty()) {
      throw new RefusedException(
          new FitRefusal.NotImmediate(
              description().name(), "it has callbacks, which rely on nobody being inside"));
    }
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

  /**
   * The module as the guest's loader takes it, with the ledger inside.
   *
   * @param ground what its jumps will lie on
   * @param immediate whether tasks may stay inside the old code
   */
  byte[] image(RunningKernel kernel, Instant when, SwitchGround ground, boolean immediate) {
    return ModuleImage.of(linked, kernel, ledger(when, ground, immediate).encode());
  }

  private static Ledger.Target target(PlannedFunction site, SwitchGround ground) {
    Bytes own = site.original();
    Optional<SwitchGround.Ground> under = ground.at(site.site());
    Bytes original = under.map(SwitchGround.Ground::bytes).orElse(own);
    return new Ledger.Target(
        site.name(),
        site.replacement(),
        site.site().value(),
        original.toHex(),
        site.ranges().stream().map(r -> new Ledger.Code(r.start().value(), r.size())).toList(),
        under.map(SwitchGround.Ground::module).orElse(""),
        original.equals(own) ? "" : own.toHex());
  }

  private Ledger ledger(Instant when, SwitchGround ground, boolean immediate) {
    List<Ledger.Target> targets =
        plan.functions().stream().map(site -> target(site, ground)).toList();
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
            .toList(),
        description().requires(),
        immediate);
  }
}
