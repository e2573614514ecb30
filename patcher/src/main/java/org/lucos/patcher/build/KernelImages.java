package org.lucos.patcher.build;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Unpacked kernels, from Debian's packages or from a file; kept in the cache by build-id. */
public final class KernelImages {
  private static final Pattern BUILD_ID = Pattern.compile("[0-9a-f]{8,64}");

  private final PackageIndex index;
  private final HostCommands commands;
  private final Path cache;

  KernelImages(PackageIndex index, HostCommands commands, Path cache) {
    this.index = index;
    this.commands = commands;
    this.cache = cache.toAbsolutePath();
  }

  /** Images by this host's apt. */
  public static KernelImages onThisHost(Path cache) {
    HostCommands commands = new ProcessCommands();
    return new KernelImages(new AptPackageIndex(commands, cache), commands, cache);
  }

  /**
   * The unpacked kernel of a release with this build-id.
   *
   * @throws RefusedException {@code KernelPackageNotFound} if no package on offer has it
   */
  public byte[] find(String release, String buildId, BuildListener listener) {
    if (!BUILD_ID.matcher(buildId).matches()) {
      throw new RefusedException(
          new HostRefusal.KernelPackageNotFound(release, "no build-id: '" + buildId + "'"));
    }
    Path kept = cache.resolve("vmlinux").resolve(buildId);
    return CacheLock.holding(
        cache,
        "vmlinux-" + buildId,
        listener,
        () -> {
          if (Files.exists(kept)) {
            byte[] known = FileTrees.read(kept);
            if (KernelImage.buildId(kept.toString(), known).equals(buildId)) {
              return known;
            }
          }
          byte[] found = fromPackages(release, buildId, listener);
          FileTrees.writeAtomically(kept, found);
          return found;
        });
  }

  private byte[] fromPackages(String release, String buildId, BuildListener listener) {
    KernelPackages.sourceName(release); // refuses what is no release
    for (String name : List.of("linux-image-" + release, "linux-image-" + release + "-unsigned")) {
      for (String version : index.versions(name)) {
        Path deb = index.fetch(new PackageVersion(name, version), listener);
        listener.step("unpacking " + deb.getFileName());
        byte[] image = inWork(work -> fromDeb(deb, release, work));
        if (KernelImage.buildId(deb.toString(), image).equals(buildId)) {
          return image;
        }
      }
    }
    throw new RefusedException(
        new HostRefusal.KernelPackageNotFound(
            "kernel " + release, "no linux-image on offer has build-id " + buildId));
  }

  /**
   * A kernel from a file: a boot image, or what one contains.
   *
   * @throws RefusedException {@code NotThisKernel} if it has another build-id
   */
  public byte[] ofFile(Path file, String buildId) {
    byte[] read = FileTrees.read(file);
    boolean unpacked = read.length > 4 && read[0] == 0x7f && read[1] == 'E';
    byte[] image = unpacked ? read : inWork(work -> unpack(file, read, work));
    String found = KernelImage.buildId(file.toString(), image);
    if (!found.equals(buildId)) {
      throw new RefusedException(new InputRefusal.NotThisKernel(file.toString(), found, buildId));
    }
    return image;
  }

  private byte[] fromDeb(Path deb, String release, Path work) {
    Path vmlinuz = work.resolve("vmlinuz");
    CommandOutcome outcome =
        commands.pipe(
            List.of(
                Command.of("dpkg-deb", "--fsys-tarfile", deb.toString()),
                Command.of("tar", "-xO", "./boot/vmlinuz-" + release).to(vmlinuz)));
    if (!outcome.succeeded()) {
      throw new BuildFailedException("cannot take vmlinuz out of " + deb + ": " + outcome.tail(2));
    }
    return unpack(vmlinuz, FileTrees.read(vmlinuz), work);
  }

  private byte[] unpack(Path vmlinuz, byte[] content, Path work) {
    Path vmlinux = work.resolve("vmlinux");
    BzImage.extract(vmlinuz.toString(), content, work, vmlinux, commands);
    return FileTrees.read(vmlinux);
  }

  private byte[] inWork(java.util.function.Function<Path, byte[]> use) {
    Path work =
        FileTrees.directories(cache.resolve("vmlinux"))
            .resolve(".work-" + ProcessHandle.current().pid());
    try {
      return use.apply(FileTrees.directories(work));
    } finally {
      FileTrees.delete(work);
    }
  }

  /** The kernel of a guest: of the file if one is named, else of a package. */
  public byte[] of(Optional<Path> file, String release, String buildId, BuildListener listener) {
    return file.map(named -> ofFile(named, buildId))
        .orElseGet(() -> find(release, buildId, listener));
  }
}
