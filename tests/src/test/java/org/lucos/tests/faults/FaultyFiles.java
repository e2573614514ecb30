package org.lucos.tests.faults;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lucos.tests.faults.Faults.Kind;
import org.lucos.tests.faults.Faults.Place;

/** The files of this machine, in whose way {@link Faults} lie when they are written. */
final class FaultyFiles extends FileSystemProvider {
  private final FileSystemProvider real;
  private final Faults faults;
  private final FaultyFileSystem system;

  private FaultyFiles(Path real, Faults faults) {
    this.real = real.getFileSystem().provider();
    this.faults = faults;
    this.system = new FaultyFileSystem(this, real.getFileSystem());
  }

  /** The same path, but what is written there may fail. */
  static Path under(Path real, Faults faults) {
    return new FaultyPath(new FaultyFiles(real, faults).system, real);
  }

  static Path real(Path path) {
    return path instanceof FaultyPath faulty ? faulty.real() : path;
  }

  private Optional<Kind> arrive(String what, Path path) {
    Path parent = real(path).getParent();
    String directory = parent == null ? "" : String.valueOf(parent.getFileName());
    String kind =
        switch (directory) {
          case "journal", "audit.begun", "state" -> directory;
          default -> "operations";
        };
    return faults.arrive(Place.FILE, what + " in " + kind);
  }

  static IOException failure(Path path) {
    return new IOException("a fault put here by a test: " + path.getFileName());
  }

  private interface Work {
    void run() throws IOException;
  }

  private void change(String what, Path path, Work work) throws IOException {
    Optional<Kind> fault = arrive(what, path);
    if (fault.equals(Optional.of(Kind.BEFORE))) {
      throw failure(path);
    }
    work.run();
    if (fault.isPresent()) {
      throw failure(path);
    }
  }

  @Override
  public String getScheme() {
    return "faulty";
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> env) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    return system;
  }

  @Override
  public Path getPath(URI uri) {
    throw new UnsupportedOperationException();
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return newFileChannel(path, options, attributes);
  }

  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    if (!options.contains(StandardOpenOption.WRITE)) {
      return real.newFileChannel(real(path), options, attributes);
    }
    if (arrive("open", path).isPresent()) {
      throw failure(path);
    }
    return new FaultyChannel(
        real.newFileChannel(real(path), options, attributes), what -> arrive(what, path), path);
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path directory, DirectoryStream.Filter<? super Path> filter) throws IOException {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> stream = real.newDirectoryStream(real(directory), path -> true)) {
      for (Path path : stream) {
        Path wrapped = system.wrap(path);
        if (filter.accept(wrapped)) {
          found.add(wrapped);
        }
      }
    }
    return new DirectoryStream<>() {
      @Override
      public Iterator<Path> iterator() {
        return found.iterator();
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public void createDirectory(Path directory, FileAttribute<?>... attributes) throws IOException {
    real.createDirectory(real(directory), attributes);
  }

  @Override
  public void delete(Path path) throws IOException {
    change("delete", path, () -> real.delete(real(path)));
  }

  @Override
  public void copy(Path source, Path target, CopyOption... options) throws IOException {
    real.copy(real(source), real(target), options);
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) throws IOException {
    change("move", target, () -> real.move(real(source), real(target), options));
  }

  @Override
  public boolean isSameFile(Path path, Path other) throws IOException {
    return real.isSameFile(real(path), real(other));
  }

  @Override
  public boolean isHidden(Path path) throws IOException {
    return real.isHidden(real(path));
  }

  @Override
  public FileStore getFileStore(Path path) throws IOException {
    return real.getFileStore(real(path));
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    real.checkAccess(real(path), modes);
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return real.getFileAttributeView(real(path), type, options);
  }

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    return real.readAttributes(real(path), type, options);
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String names, LinkOption... options)
      throws IOException {
    return real.readAttributes(real(path), names, options);
  }

  @Override
  public void setAttribute(Path path, String name, Object value, LinkOption... options)
      throws IOException {
    real.setAttribute(real(path), name, value, options);
  }
}
