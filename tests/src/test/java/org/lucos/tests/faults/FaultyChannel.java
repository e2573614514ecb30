package org.lucos.tests.faults;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lucos.tests.faults.Faults.Kind;

/** A file whose writing may fail, in the midst too. */
final class FaultyChannel extends FileChannel {
  private final FileChannel real;
  private final Function<String, Optional<Kind>> faults;
  private final Path path;

  FaultyChannel(FileChannel real, Function<String, Optional<Kind>> faults, Path path) {
    this.real = real;
    this.faults = faults;
    this.path = path;
  }

  @Override
  public int write(ByteBuffer bytes) throws IOException {
    int written = write(bytes, real.position());
    real.position(real.position() + written);
    return written;
  }

  @Override
  public int write(ByteBuffer bytes, long at) throws IOException {
    Optional<Kind> fault = faults.apply("write");
    if (fault.equals(Optional.of(Kind.BEFORE))) {
      throw FaultyFiles.failure(path);
    }
    if (fault.equals(Optional.of(Kind.PARTLY))) {
      ByteBuffer half = bytes.slice(bytes.position(), bytes.remaining() / 2);
      real.write(half, at);
      throw FaultyFiles.failure(path);
    }
    int written = real.write(bytes, at);
    if (fault.isPresent()) {
      throw FaultyFiles.failure(path);
    }
    return written;
  }

  @Override
  public void force(boolean metaData) throws IOException {
    Optional<Kind> fault = faults.apply("sync");
    if (fault.equals(Optional.of(Kind.BEFORE))) {
      throw FaultyFiles.failure(path);
    }
    real.force(metaData);
    if (fault.isPresent()) {
      throw FaultyFiles.failure(path);
    }
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    return real.read(into);
  }

  @Override
  public long read(ByteBuffer[] into, int offset, int length) throws IOException {
    return real.read(into, offset, length);
  }

  @Override
  public long write(ByteBuffer[] bytes, int offset, int length) throws IOException {
    long written = 0;
    for (int i = offset; i < offset + length; i++) {
      written += write(bytes[i]);
    }
    return written;
  }

  @Override
  public long position() throws IOException {
    return real.position();
  }

  @Override
  public FileChannel position(long at) throws IOException {
    real.position(at);
    return this;
  }

  @Override
  public long size() throws IOException {
    return real.size();
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    real.truncate(size);
    return this;
  }

  @Override
  public long transferTo(long at, long count, WritableByteChannel target) throws IOException {
    return real.transferTo(at, count, target);
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long at, long count) throws IOException {
    return real.transferFrom(source, at, count);
  }

  @Override
  public int read(ByteBuffer into, long at) throws IOException {
    return real.read(into, at);
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long at, long size) throws IOException {
    return real.map(mode, at, size);
  }

  @Override
  public FileLock lock(long at, long size, boolean shared) throws IOException {
    return real.lock(at, size, shared);
  }

  @Override
  public @Nullable FileLock tryLock(long at, long size, boolean shared) throws IOException {
    return real.tryLock(at, size, shared);
  }

  @Override
  protected void implCloseChannel() throws IOException {
    real.close();
  }
}
