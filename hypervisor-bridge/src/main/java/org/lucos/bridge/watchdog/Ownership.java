package org.lucos.bridge.watchdog;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The right to stop a guest and to let it run, held by one watchdog process after the other. A
 * watchdog whose controller died still has that guest to put right; without this it might let run
 * what the next controller has just stopped.
 */
public final class Ownership {
  private Ownership() {}

  /** The file that whoever owns it has locked. */
  public static Path lockOf(Path path) {
    return path.resolveSibling(path.getFileName() + ".lock");
  }

  /**
   * Waits until no other process owns it, and owns it while {@code work} is done.
   *
   * @param path stands for the guest; the lock is a file beside it, in a directory that ends with
   *     the domain's run, or the host's
   * @throws IOException if the directory is not there any more or may not be written; nothing is
   *     done then
   */
  public static void during(Path path, Runnable work) throws IOException {
    try (FileChannel channel =
        FileChannel.open(lockOf(path), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.lock(); // given up with the channel, or with the process
      work.run();
    }
  }
}
