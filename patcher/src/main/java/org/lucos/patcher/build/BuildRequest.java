package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import java.nio.file.Path;
import java.util.List;

/**
 * A live patch to build.
 *
 * @param release the kernel it is for, as {@code uname -r} prints it
 * @param diffName what to call the diff in errors, such as its file name
 * @param diff a unified diff against that kernel's source, every byte as one character
 * @param name the patch's name, short, for people
 * @param description what it fixes; may be empty
 * @param fixes ids such as {@code CVE-2026-1234}
 */
public record BuildRequest(
    String release,
    String diffName,
    String diff,
    String name,
    String description,
    List<String> fixes) {
  /** Keeps its own copy. */
  public BuildRequest {
    fixes = ImmutableList.copyOf(fixes);
  }

  /** A patch from a diff file; it is named after the file. */
  public static BuildRequest ofFile(String release, Path diff) {
    String file = String.valueOf(diff.getFileName());
    String name = file.replaceFirst("\\.(patch|diff)$", "");
    return new BuildRequest(release, file, FileTrees.readText(diff), name, "", List.of());
  }

  /** The same with other words about it. */
  public BuildRequest described(String newName, String newDescription, List<String> newFixes) {
    return new BuildRequest(release, diffName, diff, newName, newDescription, newFixes);
  }
}
