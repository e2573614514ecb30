package org.lucos.patcher.build;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.lucos.patcher.build.KernelPackages.KernelPackageSet;

/**
 * What a prepared tree was made from; written last, so that its presence means the tree is
 * complete.
 *
 * @param packages the Debian packages
 * @param compiler the compiler, as named in the configuration
 * @param buildId the kernel's GNU build-id, lower-case hex
 */
record TreeFacts(KernelPackageSet packages, KernelCompiler compiler, String buildId) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static TreeFacts read(Path file) {
    try {
      return JSON.readValue(file.toFile(), TreeFacts.class);
    } catch (IOException e) {
      throw new BuildFailedException("cannot read " + file + ": delete it and build again", e);
    }
  }

  void write(Path file) {
    try {
      FileTrees.writeAtomically(file, JSON.writeValueAsBytes(this));
    } catch (IOException e) {
      throw new BuildFailedException("cannot write " + file, e);
    }
  }
}
