package org.lucos.patcher.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.lucos.patcher.app.KernelChoice.Wanted;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.BuildRequest;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.build.HostCommands;
import org.lucos.patcher.build.LivepatchRequest;
import org.lucos.patcher.build.PatchBuilder;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.ProbeFile;
import org.lucos.patcher.build.ProbeSet;
import org.lucos.patcher.build.ProcessCommands;
import org.lucos.patcher.build.recipe.FixRecipe;
import org.lucos.patcher.build.recipe.RecipeFolder;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.trust.SigningKey;

/** Builds a bundle from a source diff, for a kernel release or for what a guest runs. */
public final class BuildPatch {
  private final Settings settings;

  /** Works with these settings. */
  public BuildPatch(Settings settings) {
    this.settings = settings;
  }

  /**
   * What to build.
   *
   * @param source where the change comes from
   * @param kernels what it is for; a variant each
   * @param output where the bundle goes; {@code NAME.lucos} here if empty
   * @param name of the patch; its source's name if empty
   * @param description one line on what it is for; its source's if empty
   * @param fixes identifiers of what it fixes; its source's if empty
   * @param key the private key to sign the bundle with
   * @param keep whether the build's directories are kept
   * @param maxObjects how many objects may be compiled because of headers
   * @param modules the modules whose code a changed header may change; all if absent
   * @param requires names of patches that must be applied as long as this one is
   * @param immediateSafe whether old and new code may run side by side, by its author's word
   * @param probes a file of probes; those of the recipe or edit script, or the recipe's observer,
   *     if empty
   */
  public record Request(
      Source source,
      Kernels kernels,
      Optional<Path> output,
      Optional<String> name,
      String description,
      List<String> fixes,
      Optional<Path> key,
      boolean keep,
      int maxObjects,
      Optional<Set<String>> modules,
      List<String> requires,
      boolean immediateSafe,
      Optional<Path> probes) {
    /** How many objects may be compiled because of headers, unless said otherwise. */
    public static final int DEFAULT_MAX_OBJECTS = PatchBuilder.DEFAULT_MAX_OBJECTS;

    /** Copies the list. */
    public Request {
      fixes = List.copyOf(fixes);
      modules = modules.map(Set::copyOf);
      requires = List.copyOf(requires);
    }

    /** A patch that needs no other. */
    public Request(
        Source source,
        Kernels kernels,
        Optional<Path> output,
        Optional<String> name,
        String description,
        List<String> fixes,
        Optional<Path> key,
        boolean keep,
        int maxObjects,
        Optional<Set<String>> modules) {
      this(
          source,
          kernels,
          output,
          name,
          description,
          fixes,
          key,
          keep,
          maxObjects,
          modules,
          List.of(),
          false,
          Optional.empty());
    }
  }

  /**
   * The kernels of a patch.
   *
   * @param named releases, or running guests' names, UUIDs or ids
   * @param allGuests also those of all guests that run on this host
   * @param skipUnsupported leave out kernels for which there can be no variant
   * @param anyCompiler use this host's compiler; what it makes must then prove equal to what runs
   */
  public record Kernels(
      List<String> named, boolean allGuests, boolean skipUnsupported, boolean anyCompiler) {
    /** Copies the list. */
    public Kernels {
      named = List.copyOf(named);
    }

    /** These kernels, all of them. */
    public static Kernels of(String... named) {
      return new Kernels(List.of(named), false, false, false);
    }
  }

  /** Where a change comes from. */
  public sealed interface Source {}

  /** A unified diff in a file. */
  public record DiffFile(Path file) implements Source {}

  /** An edit script in a file, as those of {@code kernel-patches/}. */
  public record EditFile(Path file) implements Source {}

  /** A hand-written livepatch in C, in the style of the kernel's {@code samples/livepatch}. */
  public record LivepatchFile(Path file) implements Source {}

  /** A recipe of {@code kernel-patches/}, computed for the kernel. */
  public record Recipe(String name) implements Source {}

  /**
   * What was built.
   *
   * @param keyId of the key it was signed with; empty if it was not
   * @param skipped kernels without a variant
   */
  public record Outcome(
      String patch,
      String bundle,
      long size,
      String keyId,
      List<Variant> variants,
      List<Report.Skipped> skipped,
      List<String> notes,
      List<Report.Phase> phases) {
    /** Copies the lists. */
    public Outcome {
      variants = List.copyOf(variants);
      skipped = List.copyOf(skipped);
      notes = List.copyOf(notes);
      phases = List.copyOf(phases);
    }
  }

  /**
   * What was built for one kernel.
   *
   * @param affected those of the functions whose own source did not change
   * @param leftOut what of the change has no effect
   */
  public record Variant(
      String release,
      String buildId,
      String module,
      List<String> functions,
      List<String> affected,
      List<String> newFunctions,
      List<String> leftOut) {
    /** Copies the lists. */
    public Variant {
      functions = List.copyOf(functions);
      affected = List.copyOf(affected);
      newFunctions = List.copyOf(newFunctions);
      leftOut = List.copyOf(leftOut);
    }

    private static Variant of(PatchVariant variant) {
      return new Variant(
          variant.release(),
          variant.buildId().orElse(""),
          variant.moduleName(),
          variant.functions().stream().map(PatchVariant.TargetFunction::name).toList(),
          variant.origin().affected(),
          variant.newFunctions().stream().map(PatchVariant.NewFunction::name).toList(),
          variant.origin().leftOut());
    }
  }

  /** Builds the bundle and writes it. */
  public Outcome run(Request request, Progress progress) {
    Phases phases = new Phases(progress);
    List<String> notes = new ArrayList<>();
    Optional<SigningKey> signer = request.key().map(SigningKey::read); // fails early
    ProbeSet probes = probes(request);
    phases.begin("find kernels");
    List<Wanted> kernels = KernelChoice.of(request.kernels(), settings, notes);
    PatchBuilder everywhere =
        PatchBuilder.onThisHost(settings.cache(), Version.current())
            .including(settings.recipes().resolve("include"))
            .keeping(request.keep())
            .limitedTo(request.maxObjects());
    PatchBuilder exact = request.modules().map(everywhere::changingOnly).orElse(everywhere);
    PatchBuilder builder = request.kernels().anyCompiler() ? exact.withAnyCompiler() : exact;
    Variants built =
        Variants.of(
            kernels,
            request.kernels().skipUnsupported(),
            kernel -> {
              String prefix = kernels.size() == 1 ? "" : kernel.release() + ": ";
              BuildListener listener = new PhaseListener(phases, progress, notes, prefix);
              return build(request, kernel, builder, listener);
            });
    phases.begin("write bundle");
    Bundle bundle =
        Bundle.of(
            built.objects().stream().map(object -> promised(object, request, probes)).toList(),
            built.skipped(),
            probes.programs());
    String patch = bundle.manifest().description().name();
    Path file = request.output().orElseGet(() -> Path.of(slug(patch) + ".lucos"));
    signer.map(bundle::signedBy).orElse(bundle).write(file);
    return new Outcome(
        patch,
        file.toString(),
        size(file),
        signer.map(key -> key.verifyKey().id()).orElse(""),
        bundle.manifest().variants().stream().map(Variant::of).toList(),
        Report.Skipped.of(built.skipped()),
        notes,
        phases.end());
  }

  private PatchObject build(
      Request request, Wanted kernel, PatchBuilder builder, BuildListener listener) {
    PatchObject built = build(request, kernel.release(), builder, listener);
    if (kernel.buildId().isPresent() && !kernel.buildId().equals(built.variant().buildId())) {
      throw new RefusedException(
          new FitRefusal.WrongKernel(
              kernel.release() + "/" + kernel.buildId().get(),
              kernel.release()
                  + "/"
                  + built.variant().buildId().orElse("")
                  + ", which is what packages give"));
    }
    return built;
  }

  private PatchObject build(
      Request request, String release, PatchBuilder builder, BuildListener listener) {
    if (request.source() instanceof LivepatchFile livepatch) {
      String file = String.valueOf(livepatch.file().getFileName());
      return builder.build(
          new LivepatchRequest(
              release,
              livepatch.file(),
              request.name().orElse(file.replaceFirst("\\.c$", "")),
              request.description(),
              request.fixes()),
          listener);
    }
    return builder.build(
        described(request, found(request.source(), release, builder, listener)), listener);
  }

  private BuildRequest found(
      Source source, String release, PatchBuilder builder, BuildListener listener) {
    if (source instanceof DiffFile diff) {
      return BuildRequest.ofFile(release, diff.file());
    }
    if (source instanceof EditFile edit) {
      return new RecipeShelf(settings, builder.trees()).request(edit.file(), release, listener);
    }
    return new RecipeShelf(settings, builder.trees())
        .request(((Recipe) source).name(), release, listener);
  }

  private static BuildRequest described(Request request, BuildRequest found) {
    return found.described(
        request.name().orElse(found.name()),
        request.description().isEmpty() ? found.description() : request.description(),
        request.fixes().isEmpty() ? found.fixes() : request.fixes());
  }

  private static String slug(String name) {
    return name.replaceAll("[^A-Za-z0-9._-]+", "-");
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private ProbeSet probes(Request request) {
    HostCommands commands = new ProcessCommands();
    Optional<Path> file = request.probes();
    if (file.isEmpty() && request.source() instanceof EditFile edit) {
      file = ProbeFile.ofEdit(edit.file());
    } else if (file.isEmpty() && request.source() instanceof Recipe recipe) {
      RecipeFolder folder = RecipeFolder.read(settings.recipes());
      Optional<FixRecipe> fix = folder.fix(recipe.name());
      if (fix.isPresent()) {
        return ProbeFile.ofFix(
            settings.recipes(), recipe.name(), folder.observer(fix.get()), commands);
      }
      file = ProbeFile.ofRecipe(settings.recipes(), recipe.name());
    }
    return file.map(each -> ProbeFile.read(each, commands)).orElse(ProbeSet.NONE);
  }

  private static PatchObject promised(PatchObject object, Request request, ProbeSet probes) {
    return object.describedAs(
        object
            .description()
            .requiring(request.requires())
            .withImmediateSafe(request.immediateSafe())
            .probedBy(probes.probes()));
  }
}
