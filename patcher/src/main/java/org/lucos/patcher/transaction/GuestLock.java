package org.lucos.patcher.transaction;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * One controller at a time works on a guest of this host. The lock is the operating system's, so it
 * goes with the process that holds it, however that ends; the file's text only tells who it is.
 */
public final class GuestLock implements AutoCloseable {
  private static final String OWNER = "pid ";
  private static final String SINCE = " since ";

  private final FileChannel channel;
  private final FileLock lock;

  private GuestLock(FileChannel channel, FileLock lock) {
    this.channel = channel;
    this.lock = lock;
  }

  /**
   * Takes the lock, waiting up to {@code patience} for another controller to end.
   *
   * @param directory where locks live, such as {@code /run/lucos}
   * @throws RefusedException with {@link BusyRefusal.GuestBusy} naming the owner
   */
  public static GuestLock take(
      Path directory, DomainIdentity guest, Duration patience, InstantSource clock) {
    try {
      Files.createDirectories(directory);
      FileChannel channel =
          FileChannel.open(
              directory.resolve(guest.uuid() + ".lock"),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      try {
        return new GuestLock(channel, await(channel, guest, patience, clock));
      } catch (RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw new RefusedException(
          new HostRefusal.HostNotReady(
              "a lock for guest '" + guest.name() + "' (" + e + ")",
              "make " + directory + " a directory that can be written; LUCOS_LOCKS says where"),
          e);
    }
  }

  private static FileLock await(
      FileChannel channel, DomainIdentity guest, Duration patience, InstantSource clock)
      throws IOException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      FileLock lock = tryLock(channel);
      if (lock != null) {
        byte[] owner =
            (OWNER + ProcessHandle.current().pid() + SINCE + clock.instant())
                .getBytes(StandardCharsets.US_ASCII);
        channel.truncate(0);
        channel.write(ByteBuffer.wrap(owner), 0);
        return lock;
      }
      if (System.nanoTime() > deadline) {
        ByteBuffer text = ByteBuffer.allocate(256);
        channel.read(text, 0);
        String owner = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII);
        throw new RefusedException(
            new BusyRefusal.GuestBusy(guest.name(), owner + age(owner, clock)));
      }
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for a lock", e);
      }
    }
  }

  /** How long a holder has had the lock, if its text can be read: it may just be writing it. */
  private static String age(String owner, InstantSource clock) {
    int since = owner.indexOf(SINCE);
    if (since < 0) {
      return "";
    }
    try {
      Instant taken = Instant.parse(owner.substring(since + SINCE.length()));
      return ", for " + Duration.between(taken, clock.instant()).toSeconds() + " s";
    } catch (DateTimeParseException e) {
      return "";
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // another thread of this process
    }
  }

  @Override
  public void close() {
    try {
      lock.release();
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot release the guest lock", e);
    }
  }
}
