package org.lucos.bench.corpus;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.PackageIndex;
import org.lucos.patcher.build.PackageVersion;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Finds Debian's packages for the versions a person names. */
final class Versions {
  private static final Pattern SERIES = Pattern.compile("([0-9]+\\.[0-9]+)[.-].*");
  private static final Pattern PLAIN_RELEASE =
      Pattern.compile("[0-9.]+(\\+deb[0-9]+)?(-[0-9]+)?(\\+deb[0-9]+)?");

  private final PackageIndex index;

  Versions(PackageIndex index) {
    this.index = index;
  }

  /**
   * The source package of a version.
   *
   * @param version as Debian calls it, such as {@code 6.1.176-1}; what a backport adds behind a
   *     tilde may be left out
   */
  PackageVersion source(String version, BuildListener listener) {
    String name = "linux-source-" + series(version);
    Optional<String> found = offered(name, version);
    if (found.isEmpty() && index.refresh(listener)) {
      found = offered(name, version);
    }
    return new PackageVersion(
        name,
        found.orElseThrow(
            () -> notFound(name + "=" + version, "offered are " + index.versions(name))));
  }

  /** The kernel release that a source version was built to in a flavour. */
  String release(PackageVersion source, String flavour) {
    String series = series(source.version());
    String prefix = "linux-image-";
    List<String> releases =
        index.namesBeginning(prefix + series + ".").stream()
            .map(name -> name.substring(prefix.length()).replaceFirst("-unsigned$", ""))
            .distinct()
            .filter(release -> release.endsWith("-" + flavour))
            .filter(
                release ->
                    PLAIN_RELEASE
                        .matcher(release.substring(0, release.length() - flavour.length() - 1))
                        .matches())
            .toList();
    for (String release : releases) {
      if (index.versions(prefix + release).contains(source.version())
          || index.versions(prefix + release + "-unsigned").contains(source.version())) {
        return release;
      }
    }
    throw notFound(
        "a kernel " + flavour + " of " + source, "releases of this flavour: " + releases);
  }

  private Optional<String> offered(String name, String version) {
    return index.versions(name).stream()
        .filter(v -> v.equals(version) || v.startsWith(version + "~"))
        .findFirst();
  }

  private static String series(String version) {
    Matcher matcher = SERIES.matcher(version);
    if (!matcher.matches()) {
      throw notFound(
          "version '" + version + "'", "write it as Debian does, for instance 6.1.176-1");
    }
    return matcher.group(1);
  }

  private static RefusedException notFound(String what, String detail) {
    return new RefusedException(new HostRefusal.KernelPackageNotFound(what, detail));
  }
}
