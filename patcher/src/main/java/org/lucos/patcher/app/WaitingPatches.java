package org.lucos.patcher.app;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Patches of one guest that wait for modules to be loaded, as this host remembers them: a copy of
 * the bundle and a record beside it. The record is written last and removed first, and both are
 * synced to disk, so that a controller may end at any moment.
 */
final class WaitingPatches {
  private static final String RECORD = ".json";
  private static final String BUNDLE = ".lucos";
  private static final Pattern MODULE_NAME = Pattern.compile("[a-z0-9_]{1,55}");
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES);

  private final Path directory;

  WaitingPatches(Settings settings, UUID guest) {
    this.directory = settings.state().resolve("waiting").resolve(guest.toString());
  }

  /**
   * A patch that waits.
   *
   * @param patch its name
   * @param description one line on what it is for
   * @param fixes identifiers of what it fixes
   * @param module that will hold its code in the guest
   * @param targets the modules whose code it changes
   * @param boot of the guest, see {@link org.lucos.patcher.kernel.KernelIdentity#boot}
   * @param since when it was recorded, ISO-8601
   * @param allowUnsigned whether the operator took a bundle that nobody trusted has signed
   * @param bundle digest of the bundle
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Waiting(
      String patch,
      String description,
      List<String> fixes,
      String module,
      List<String> targets,
      String boot,
      String since,
      boolean allowUnsigned,
      String bundle) {
    Waiting {
      fixes = List.copyOf(fixes);
      targets = List.copyOf(targets);
      if (!MODULE_NAME.matcher(module).matches()) {
        throw new IllegalArgumentException("no module name: '" + module + "'");
      }
    }

    boolean isCalled(String name) {
      return patch.equals(name) || module.equals(name);
    }
  }

  /**
   * What is recorded.
   *
   * @param patches in the order of their modules' names
   * @param damaged records that cannot be read, with the reason
   */
  record Recorded(List<Waiting> patches, List<String> damaged) {
    Recorded {
      patches = List.copyOf(patches);
      damaged = List.copyOf(damaged);
    }
  }

  /** Records a patch; one that is recorded already is replaced. */
  void add(Waiting waiting, Bytes bundle) {
    try {
      Files.createDirectories(directory);
      write(file(waiting.module(), BUNDLE), bundle.toArray());
      write(file(waiting.module(), RECORD), JSON.writeValueAsBytes(waiting));
    } catch (IOException e) {
      throw notWritable(e);
    }
  }

  /** All of this guest's. */
  Recorded all() {
    List<Waiting> patches = new ArrayList<>();
    List<String> damaged = new ArrayList<>();
    for (Path file : records()) {
      try {
        Waiting waiting = JSON.readValue(Files.readAllBytes(file), Waiting.class);
        if (waiting == null || !file.equals(file(waiting.module(), RECORD))) {
          throw new IOException("it is not of the module it is named after");
        }
        patches.add(waiting);
      } catch (IOException e) {
        damaged.add(file + ": " + e.getMessage());
      }
    }
    return new Recorded(patches, damaged);
  }

  private List<Path> records() {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(RECORD)).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list the waiting patches in " + directory, e);
    }
  }

  /** The one of this name, or of this module's name. */
  Optional<Waiting> find(String name) {
    return all().patches().stream().filter(waiting -> waiting.isCalled(name)).findFirst();
  }

  /**
   * The copy of a waiting patch's bundle.
   *
   * @throws RefusedException with {@link InputRefusal.BadBundle} if it is not what was recorded
   */
  Path bundle(Waiting waiting) {
    Path file = file(waiting.module(), BUNDLE);
    try {
      if (Bytes.of(Files.readAllBytes(file)).sha256().equals(waiting.bundle())) {
        return file;
      }
      throw new RefusedException(
          new InputRefusal.BadBundle(file.toString(), "it is not what was recorded"));
    } catch (IOException e) {
      throw new RefusedException(
          new InputRefusal.BadBundle(file.toString(), "cannot be read: " + e.getMessage()), e);
    }
  }

  /** Forgets a patch, if it is recorded. */
  void remove(String module) {
    try {
      boolean was = Files.deleteIfExists(file(module, RECORD));
      Files.deleteIfExists(file(module, BUNDLE));
      if (was) {
        sync(directory);
      }
    } catch (IOException e) {
      throw notWritable(e);
    }
  }

  private RefusedException notWritable(IOException e) {
    return new RefusedException(
        new HostRefusal.WaitingNotWritable(directory.toString(), String.valueOf(e)), e);
  }

  private Path file(String module, String suffix) {
    return directory.resolve(module + suffix);
  }

  private void write(Path file, byte[] content) throws IOException {
    Path draft = Files.createTempFile(directory, ".waiting", ".tmp");
    try {
      try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
        ByteBuffer rest = ByteBuffer.wrap(content);
        while (rest.hasRemaining()) {
          channel.write(rest);
        }
        channel.force(true);
      }
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      sync(directory);
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  private static void sync(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
