package org.lucos.patcher.app;

/** Which version of the tool this is. */
public final class Version {
  private Version() {}

  /** The version in the jar's manifest; {@code development} when run from class files. */
  public static String current() {
    String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
