package org.lucos.patcher.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.BuildPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lucos build}. */
@Command(name = "build", description = "Builds a live patch from a source diff.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class BuildCommand extends Subcommand<BuildPatch.Outcome> {
  @ArgGroup(multiplicity = "1")
  private Change change;

  /** Where the change comes from: one of these. */
  static final class Change {
    @Parameters(
        index = "0",
        paramLabel = "DIFF",
        description = "a unified diff against the kernel source")
    @Nullable Path diff;

    @Option(
        names = {"-r", "--recipe"},
        paramLabel = "NAME",
        description = "a recipe of kernel-patches, instead of a diff")
    @Nullable String recipe;

    @Option(
        names = {"-e", "--edit"},
        paramLabel = "FILE",
        description = "an edit script, instead of a diff")
    @Nullable Path edit;

    @Option(
        names = {"-l", "--livepatch"},
        paramLabel = "FILE",
        description = "a hand-written livepatch in C, instead of a diff")
    @Nullable Path livepatch;

    BuildPatch.Source source() {
      if (livepatch != null) {
        return new BuildPatch.LivepatchFile(livepatch);
      }
      if (edit != null) {
        return new BuildPatch.EditFile(edit);
      }
      return diff != null
          ? new BuildPatch.DiffFile(diff)
          : new BuildPatch.Recipe(String.valueOf(recipe));
    }
  }

  @ArgGroup(multiplicity = "1..*")
  private List<Kernel> kernels;

  /** What it is for; at least one of these. */
  static final class Kernel {
    @Option(
        names = {"-k", "--kernel"},
        paramLabel = "RELEASE|GUEST",
        description =
            "a kernel release as 'uname -r' prints it, or a running domain; repeatable: a bundle"
                + " has a variant for each")
    @Nullable String named;

    @Option(
        names = "--all-installed-guests",
        description = "the kernels of all guests that run on this host")
    boolean allGuests;
  }

  @Option(
      names = "--skip-unsupported",
      description = "leave out kernels for which the patch cannot be built")
  private boolean skipUnsupported;

  @Option(
      names = "--any-compiler",
      description =
          "use this host's gcc even if the kernel was built with another; the patch is then taken"
              + " only where all of the running code proves equal")
  private boolean anyCompiler;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description = "where to write the bundle (default: NAME.lucos here)")
  private @Nullable Path output;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "name of the patch (default: the diff's name)")
  private @Nullable String name;

  @Option(
      names = "--description",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "one line on what it is for")
  private String description;

  @Option(
      names = "--fixes",
      paramLabel = "ID",
      description = "what it fixes, such as a CVE number; repeatable")
  private final List<String> fixes = new ArrayList<>();

  @Option(
      names = "--requires",
      paramLabel = "NAME",
      description = "a patch that must be applied as long as this one is; repeatable")
  private final List<String> requires = new ArrayList<>();

  @Option(
      names = "--immediate-safe",
      description =
          "promise that tasks in the old code and tasks in the new may run side by side, which"
              + " 'lucos apply --immediate' leads to")
  private boolean immediateSafe;

  @Option(
      names = "--probes",
      paramLabel = "FILE",
      description =
          "probes that 'lucos apply' runs in the guest (default: those beside the recipe or edit"
              + " script; see kernel-patches/PATCHING.md)")
  private @Nullable Path probes;

  @Option(
      names = "--sign",
      paramLabel = "KEY",
      description = "sign the bundle with this private key")
  private @Nullable Path key;

  @Option(names = "--keep", description = "keep the directories of the build's steps")
  private boolean keep;

  @Option(
      names = "--max-objects",
      paramLabel = "N",
      defaultValue = "" + BuildPatch.Request.DEFAULT_MAX_OBJECTS,
      description = "objects to compile at most because of headers (default: ${DEFAULT-VALUE})")
  private int maxObjects;

  @Option(
      names = "--modules",
      paramLabel = "NAME",
      split = ",",
      description =
          "a changed header changes code of vmlinux and of these modules only ('none': of no"
              + " module); else a patch waits until every module that uses the header is loaded")
  private @Nullable List<String> modules;

  private Optional<Set<String>> modules() {
    return Optional.ofNullable(modules)
        .map(names -> names.stream().filter(n -> !n.equals("none")).collect(Collectors.toSet()));
  }

  @Override
  BuildPatch.Outcome run(Settings settings, Progress progress) {
    BuildPatch.Request request =
        new BuildPatch.Request(
            change.source(),
            new BuildPatch.Kernels(
                kernels.stream().flatMap(each -> Stream.ofNullable(each.named)).toList(),
                kernels.stream().anyMatch(each -> each.allGuests),
                skipUnsupported,
                anyCompiler),
            Optional.ofNullable(output),
            Optional.ofNullable(name),
            description,
            List.copyOf(fixes),
            Optional.ofNullable(key),
            keep,
            maxObjects,
            modules(),
            List.copyOf(requires),
            immediateSafe,
            Optional.ofNullable(probes));
    return new BuildPatch(settings).run(request, progress);
  }

  @Override
  void print(Console console, BuildPatch.Outcome built) {
    console.line(
        "Built %s for %s",
        built.patch(),
        built.variants().stream()
            .map(BuildPatch.Variant::release)
            .collect(Collectors.joining(", ")));
    console.line("  bundle     %s (%d bytes)", built.bundle(), built.size());
    console.line(
        "  signed     %s", built.keyId().isEmpty() ? "no: see 'lucos sign'" : built.keyId());
    for (BuildPatch.Variant variant : built.variants()) {
      console.line("  module     %s", variant.module());
      for (String function : variant.functions()) {
        console.line(
            "  replaces   %s%s",
            function, variant.affected().contains(function) ? " (affected)" : "");
      }
      variant.newFunctions().forEach(function -> console.line("  adds       %s", function));
      variant.leftOut().forEach(what -> console.line("  left out   %s", what));
    }
    built
        .skipped()
        .forEach(
            skipped -> console.line("  skipped    %s: %s", skipped.release(), skipped.reason()));
    for (String note : built.notes()) {
      console.line("  note       %s", note);
    }
    console.phases(built.phases());
  }
}
