package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One thing in the cache that only one builder may change at a time, across processes and threads.
 * The kernel frees it when its holder dies; the file itself stays.
 */
final class CacheLock implements AutoCloseable {
  private static final long RETRY_MILLIS = 100;
  private static final long TELL_AFTER_MILLIS = 2_000;

  private final FileChannel channel;
  private final FileLock lock;

  private CacheLock(FileChannel channel, FileLock lock) {
    this.channel = channel;
    this.lock = lock;
  }

  /** Does {@code work} while holding the lock {@code name} of this cache. */
  @SuppressWarnings("try") // the lock is held, not used
  static <T> T holding(Path cache, String name, BuildListener listener, Supplier<T> work) {
    try (CacheLock held = acquire(cache, name, listener)) {
      return work.get();
    }
  }

  /** Waits for the lock {@code name} of this cache; tells the listener when that takes long. */
  private static CacheLock acquire(Path cache, String name, BuildListener listener) {
    Path file = cache.resolve("locks").resolve(name.replace('/', '_') + ".lock");
    try {
      Files.createDirectories(FileTrees.parent(file));
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      long waited = 0;
      while (true) {
        FileLock lock = tryLock(channel);
        if (lock != null) {
          return new CacheLock(channel, lock);
        }
        if (waited == TELL_AFTER_MILLIS) {
          listener.step("waiting for another build that holds " + name);
        }
        Thread.sleep(RETRY_MILLIS);
        waited += RETRY_MILLIS;
      }
    } catch (IOException e) {
      throw new BuildFailedException("cannot lock " + file, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BuildFailedException("interrupted while waiting for " + file, e);
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // another thread of this process holds it
    }
  }

  @Override
  public void close() {
    try (channel) {
      lock.release();
    } catch (IOException e) {
      throw new BuildFailedException("cannot release a cache lock", e);
    }
  }
}
