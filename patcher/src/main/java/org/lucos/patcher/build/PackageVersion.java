package org.lucos.patcher.build;

/**
 * One version of a Debian package.
 *
 * @param name such as {@code linux-source-6.1}
 * @param version such as {@code 6.1.192-2}
 */
public record PackageVersion(String name, String version) {
  @Override
  public String toString() {
    return name + " " + version;
  }
}
