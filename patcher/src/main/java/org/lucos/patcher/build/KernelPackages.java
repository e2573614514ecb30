package org.lucos.patcher.build;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Finds the Debian packages a kernel release was made from. */
public final class KernelPackages {
  // "6.1.0-53-cloud-amd64", "6.12.117+deb12-amd64": what uname -r prints.
  private static final Pattern RELEASE = Pattern.compile("([0-9]+\\.[0-9]+)[0-9A-Za-z.+~-]*");
  private static final int NAMES_SHOWN = 12;

  private final PackageIndex index;

  /** Looks in this index. */
  public KernelPackages(PackageIndex index) {
    this.index = index;
  }

  /**
   * The packages of one kernel release, all of one version.
   *
   * @param release as {@code uname -r} prints it
   * @param image the kernel image, whose configuration and build-id count
   * @param source the kernel source with Debian's patches applied
   * @param headers the header package, for {@code Module.symvers}
   */
  public record KernelPackageSet(
      String release, PackageVersion image, PackageVersion source, PackageVersion headers) {}

  /**
   * The packages of {@code release}. An index that does not know it is fetched anew, once.
   *
   * @throws RefusedException {@code KernelPackageNotFound} naming what was looked for and what
   *     there is
   */
  public KernelPackageSet find(String release, BuildListener listener) {
    String series = series(release);
    Optional<KernelPackageSet> found = lookUp(release, series);
    if (found.isEmpty() && index.refresh(listener)) {
      found = lookUp(release, series);
    }
    return found.orElseThrow(() -> notFound(release, series));
  }

  /** Versions of the source package of {@code release}'s series on offer, newest first. */
  public List<String> sourceVersions(String release) {
    return index.versions(sourceName(release));
  }

  /** The source package's name for a release, such as {@code linux-source-6.1}. */
  public static String sourceName(String release) {
    return "linux-source-" + series(release);
  }

  private static String series(String release) {
    Matcher matcher = RELEASE.matcher(release);
    if (!matcher.matches()) {
      throw new RefusedException(
          new HostRefusal.KernelPackageNotFound(
              "kernel '" + release + "'", "this is no kernel release as 'uname -r' prints it"));
    }
    return matcher.group(1);
  }

  private Optional<KernelPackageSet> lookUp(String release, String series) {
    String source = "linux-source-" + series;
    String headers = "linux-headers-" + release;
    List<String> sources = index.versions(source);
    List<String> headerVersions = index.versions(headers);
    // The unsigned image is the same kernel; some releases are offered only so.
    for (String image : List.of("linux-image-" + release, "linux-image-" + release + "-unsigned")) {
      for (String version : index.versions(image)) {
        if (sources.contains(version) && headerVersions.contains(version)) {
          return Optional.of(
              new KernelPackageSet(
                  release,
                  new PackageVersion(image, version),
                  new PackageVersion(source, version),
                  new PackageVersion(headers, version)));
        }
      }
    }
    return Optional.empty();
  }

  private RefusedException notFound(String release, String series) {
    List<String> parts = new ArrayList<>();
    for (String name :
        List.of("linux-image-" + release, "linux-source-" + series, "linux-headers-" + release)) {
      List<String> versions = index.versions(name);
      parts.add(name + " " + (versions.isEmpty() ? "is not offered" : "is offered as " + versions));
    }
    String detail = "looked for one version of three packages: " + String.join("; ", parts);
    if (index.versions("linux-image-" + release).isEmpty()) {
      List<String> others =
          index.namesBeginning("linux-image-" + series + ".").stream()
              .filter(name -> !name.endsWith("-dbg") && !name.endsWith("-unsigned"))
              .map(name -> name.substring("linux-image-".length()))
              .toList();
      detail += "; releases offered: " + shorten(others);
    }
    return new RefusedException(
        new HostRefusal.KernelPackageNotFound("kernel '" + release + "'", detail));
  }

  private static String shorten(List<String> names) {
    if (names.isEmpty()) {
      return "none of this series";
    }
    int from = Math.max(0, names.size() - NAMES_SHOWN);
    return (from > 0 ? "..., " : "") + String.join(", ", names.subList(from, names.size()));
  }
}
