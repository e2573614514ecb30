package org.lucos.bridge.qemu;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The right to open and close a debug port, held by one watchdog process after the other. A
 * watchdog whose controller died still has the port to close; without this it might close the one
 * that the next controller has just opened, with the guest stopped on it.
 */
public final class PortOwnership {
  private PortOwnership() {}

  /**
   * Waits until no other process owns the port, and owns it while {@code work} is done.
   *
   * @param socket where the gdbstub listens; the lock is a file beside it, in a directory that ends
   *     with the domain's run
   * @throws IOException if the directory is not there any more or may not be written; nothing is
   *     done then
   */
  public static void during(Path socket, Runnable work) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            socket.resolveSibling(socket.getFileName() + ".lock"),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE)) {
      channel.lock(); // given up with the channel, or with the process
      work.run();
    }
  }
}
