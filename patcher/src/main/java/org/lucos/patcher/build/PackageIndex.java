package org.lucos.patcher.build;

import java.nio.file.Path;
import java.util.List;

/** What Debian packages can be had, and getting them. */
public interface PackageIndex {

  /** The versions of {@code packageName} on offer, newest first; empty when there is none. */
  List<String> versions(String packageName);

  /** Names of packages on offer that begin with {@code prefix}, sorted. */
  List<String> namesBeginning(String prefix);

  /** Fetches the index anew. False when that is not possible here. */
  boolean refresh(BuildListener listener);

  /** The package's file, from the cache or downloaded. */
  Path fetch(PackageVersion wanted, BuildListener listener);
}
