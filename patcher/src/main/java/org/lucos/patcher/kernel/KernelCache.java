package org.lucos.patcher.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.bytes.NameIndex;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What was found out about a guest's kernel, in files, so that the next attach need not decode it
 * again: its symbols without the slide and its BTF, both with what finds a name in them, and where
 * VMCOREINFO was. Everything read from here is checked against the guest before it is used; a file
 * that is damaged is as good as none.
 *
 * <p>Files belong to one guest. Guests may run the same kernel, but one that lies about its symbols
 * must not be believed when another is patched.
 *
 * <pre>
 * magic "LUCOSKRN"   8   then CRC32 of all that follows   4   format   4
 * build-id           20 to 64 characters after their number   4
 * signed offsets     4   base without slide   8
 * tables of numbers, 4 each, after their number   4
 *   symbols: offsets, starts, heads and links of their names
 *   types: offsets, heads and links of their names
 *   enumerators: types, places, heads and links of their names
 * symbol names, BTF: bytes after their number   4
 * </pre>
 */
final class KernelCache {
  private static final Logger LOG = LoggerFactory.getLogger(KernelCache.class);
  private static final byte[] MAGIC = "LUCOSKRN".getBytes(StandardCharsets.US_ASCII);
  private static final int FORMAT = 2;
  private static final int CHECKED_FROM = MAGIC.length + 4;

  /** Guests come and go; with one more than this, the kernel stored first is forgotten. */
  private static final int MOST_KERNELS = 32;

  private static final Pattern KERNEL_FILE = Pattern.compile("[0-9a-f-]{36}\\.kernel");

  private final Path directory;
  private final Path kernelFile;
  private final Path hintFile;

  /** The files for a guest in {@code directory}, which is made when first written to. */
  KernelCache(Path directory, UUID guest) {
    this.directory = directory;
    this.kernelFile = directory.resolve(guest + ".kernel");
    this.hintFile = directory.resolve(guest + ".hint");
  }

  /** A kernel from the cache. */
  @SuppressWarnings("ArrayRecordComponent")
  record Entry(SymbolTable.Stored symbols, byte[] btf, BtfTypes.Stored types) {}

  /** What was stored of the kernel of this build-id, if it was, and is whole. */
  Optional<Entry> load(String buildId) {
    try (FileChannel file = FileChannel.open(kernelFile, StandardOpenOption.READ)) {
      // Mapped: numbers come out of such a buffer as fast as memory is copied. It is replaced as a
      // whole, never changed.
      return decode(file.map(FileChannel.MapMode.READ_ONLY, 0, file.size()), buildId);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | MalformedDataException e) {
      LOG.warn(
          "kernel cache not usable, reading the guest: file={}, reason={}",
          kernelFile,
          e.toString());
      return Optional.empty();
    }
  }

  /** Stores a kernel in place of what was stored of this guest; failing to is not an error. */
  void store(String buildId, Entry entry) {
    try {
      write(kernelFile, encode(buildId, entry));
      forgetOldest();
    } catch (IOException e) {
      LOG.warn("cannot write kernel cache: file={}, reason={}", kernelFile, e.toString());
    }
  }

  private void forgetOldest() throws IOException {
    List<Aged> kernels = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        if (KERNEL_FILE.matcher(file.getFileName().toString()).matches()) {
          kernels.add(new Aged(Files.getLastModifiedTime(file), file));
        }
      }
    } catch (NoSuchFileException e) {
      return; // another process forgets at the same time
    }
    kernels.sort(Comparator.comparing(Aged::written));
    for (Aged old : kernels.subList(0, Math.max(0, kernels.size() - MOST_KERNELS))) {
      String guest = old.file().getFileName().toString().replace(".kernel", "");
      Files.deleteIfExists(old.file());
      Files.deleteIfExists(directory.resolve(guest + ".hint"));
    }
  }

  private record Aged(FileTime written, Path file) {}

  /** The physical address where VMCOREINFO was, if that was stored. */
  OptionalLong hint() {
    try {
      String text = Files.readString(hintFile, StandardCharsets.US_ASCII).strip();
      return OptionalLong.of(Long.parseUnsignedLong(text, 16));
    } catch (IOException | NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  /** Stores the physical address of VMCOREINFO. */
  void storeHint(long page) {
    if (hint().orElse(-1) == page) {
      return;
    }
    try {
      write(hintFile, Long.toHexString(page).getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      LOG.warn("cannot write kernel cache: file={}, reason={}", hintFile, e.toString());
    }
  }

  /** Writes a file so that no reader ever sees half of it. */
  private void write(Path file, byte[] bytes) throws IOException {
    Files.createDirectories(directory);
    Path temporary = Files.createTempFile(directory, file.getFileName().toString(), ".new");
    try {
      Files.write(temporary, bytes);
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  static byte[] encode(String buildId, Entry entry) {
    SymbolTable.Stored symbols = entry.symbols();
    BtfTypes.Stored types = entry.types();
    List<int[]> tables =
        List.of(
            symbols.offsets(),
            symbols.starts(),
            symbols.index().heads(),
            symbols.index().links(),
            types.offsets(),
            types.names().heads(),
            types.names().links(),
            types.owners(),
            types.places(),
            types.enumerators().heads(),
            types.enumerators().links());
    byte[] id = buildId.getBytes(StandardCharsets.US_ASCII);
    int size =
        CHECKED_FROM
            + 4
            + (4 + id.length)
            + (4 + 8)
            + tables.stream().mapToInt(table -> 4 + table.length * 4).sum()
            + (4 + symbols.pool().length)
            + (4 + entry.btf().length);
    ByteBuffer out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    out.put(MAGIC).putInt(0).putInt(FORMAT).putInt(id.length).put(id);
    out.putInt(symbols.signed() ? 1 : 0).putLong(symbols.base());
    for (int[] table : tables) {
      out.putInt(table.length);
      out.asIntBuffer().put(table);
      out.position(out.position() + table.length * 4);
    }
    out.putInt(symbols.pool().length).put(symbols.pool());
    out.putInt(entry.btf().length).put(entry.btf());
    out.putInt(MAGIC.length, checksum(out.duplicate().flip()));
    return out.array();
  }

  /** What is whole is believed: it was checked before it was stored. */
  static Optional<Entry> decode(ByteBuffer file, String buildId) {
    ByteBuffer in = file.order(ByteOrder.LITTLE_ENDIAN);
    if (in.remaining() < CHECKED_FROM + 4
        || !Arrays.equals(bytes(in, MAGIC.length), MAGIC)
        || in.getInt() != checksum(in.duplicate().rewind())
        || in.getInt() != FORMAT) {
      throw damaged(in);
    }
    String id = new String(bytes(in, length(in, 1)), StandardCharsets.US_ASCII);
    if (!id.equals(buildId)) {
      return Optional.empty();
    }
    if (in.remaining() < 4 + 8) {
      throw damaged(in);
    }
    boolean signed = in.getInt() != 0;
    long base = in.getLong();
    int[] offsets = ints(in);
    int[] starts = ints(in);
    NameIndex.Stored symbolNames = new NameIndex.Stored(ints(in), ints(in));
    BtfTypes.Stored types =
        new BtfTypes.Stored(
            ints(in),
            new NameIndex.Stored(ints(in), ints(in)),
            ints(in),
            ints(in),
            new NameIndex.Stored(ints(in), ints(in)));
    byte[] pool = bytes(in, length(in, 1));
    byte[] btf = bytes(in, length(in, 1));
    return Optional.of(
        new Entry(
            new SymbolTable.Stored(offsets, signed, base, pool, starts, symbolNames), btf, types));
  }

  private static int[] ints(ByteBuffer in) {
    int[] values = new int[length(in, 4)];
    in.asIntBuffer().get(values);
    in.position(in.position() + values.length * 4);
    return values;
  }

  private static byte[] bytes(ByteBuffer in, int count) {
    byte[] bytes = new byte[count];
    in.get(bytes);
    return bytes;
  }

  /** A number of things of this size, all of which are there. */
  private static int length(ByteBuffer in, int size) {
    if (in.remaining() < 4) {
      throw damaged(in);
    }
    int count = in.getInt();
    if (count < 0 || (long) count * size > in.remaining()) {
      throw damaged(in);
    }
    return count;
  }

  private static MalformedDataException damaged(ByteBuffer in) {
    return new MalformedDataException(
        "kernel cache", in.position(), "damaged or of another format");
  }

  private static int checksum(ByteBuffer file) {
    CRC32 crc = new CRC32();
    crc.update(file.position(CHECKED_FROM));
    return (int) crc.getValue();
  }
}
