package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * A hand-written livepatch to build.
 *
 * @param release the kernel it is for, as {@code uname -r} prints it
 * @param file the C source
 * @param name the patch's name, short, for people
 * @param description what it is for; may be empty
 * @param fixes ids such as {@code CVE-2026-1234}
 */
public record LivepatchRequest(
    String release, Path file, String name, String description, List<String> fixes) {
  private static final Pattern FILE = Pattern.compile("[A-Za-z0-9_.-]+\\.c");

  /**
   * Keeps its own copy.
   *
   * @throws RefusedException with {@link InputRefusal.BadSource} if there is no such C file
   */
  public LivepatchRequest {
    fixes = ImmutableList.copyOf(fixes);
    if (!Files.isReadable(file) || !FILE.matcher(String.valueOf(file.getFileName())).matches()) {
      throw new RefusedException(
          new InputRefusal.BadSource(file.toString(), "there is no such C file"));
    }
  }

  /** Its name as a compilation unit. */
  String unit() {
    String fileName = String.valueOf(file.getFileName());
    return fileName.substring(0, fileName.length() - 2).replaceAll("[^A-Za-z0-9]", "_") + "_klp";
  }

  /** Where the headers beside it are. */
  Path directory() {
    return FileTrees.parent(file.toAbsolutePath());
  }
}
