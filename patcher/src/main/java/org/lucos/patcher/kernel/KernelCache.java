package org.lucos.patcher.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
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
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.MalformedDataException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What was found out about a guest's kernel, in files, so that the next attach need not decode it
 * again: its symbols without the slide and its BTF, and where VMCOREINFO was. Everything read from
 * here is checked against the guest before it is used; a file that is damaged is as good as none.
 *
 * <p>Files belong to one guest. Guests may run the same kernel, but one that lies about its symbols
 * must not be believed when another is patched.
 *
 * <pre>
 * magic "LUCOSKRN"   8   then CRC32 of all that follows   4   format   4
 * build-id           20 to 64 characters after their number   4
 * signed offsets     4   base without slide   8
 * symbols n          4   offsets   4n   starts   4(n+1)
 * names              4   bytes
 * BTF                4   bytes
 * </pre>
 */
final class KernelCache {
  private static final Logger LOG = LoggerFactory.getLogger(KernelCache.class);
  private static final byte[] MAGIC = "LUCOSKRN".getBytes(StandardCharsets.US_ASCII);
  private static final int FORMAT = 1;
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
  record Entry(SymbolTable.Stored symbols, byte[] btf) {}

  /** What was stored of the kernel of this build-id, if it was, and is whole. */
  Optional<Entry> load(String buildId) {
    try {
      return decode(Files.readAllBytes(kernelFile), buildId);
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
    byte[] id = buildId.getBytes(StandardCharsets.US_ASCII);
    int size =
        CHECKED_FROM
            + 4
            + 4
            + id.length
            + 4
            + 8
            + 4
            + symbols.offsets().length * 4
            + symbols.starts().length * 4
            + 4
            + symbols.pool().length
            + 4
            + entry.btf().length;
    ByteBuffer out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    out.put(MAGIC).putInt(0).putInt(FORMAT).putInt(id.length).put(id);
    out.putInt(symbols.signed() ? 1 : 0).putLong(symbols.base());
    out.putInt(symbols.offsets().length);
    out.asIntBuffer().put(symbols.offsets()).put(symbols.starts());
    out.position(out.position() + (symbols.offsets().length + symbols.starts().length) * 4);
    out.putInt(symbols.pool().length).put(symbols.pool());
    out.putInt(entry.btf().length).put(entry.btf());
    byte[] bytes = out.array();
    out.putInt(MAGIC.length, checksum(bytes));
    return bytes;
  }

  static Optional<Entry> decode(byte[] bytes, String buildId) {
    ByteCursor in = new ByteCursor("kernel cache", bytes);
    if (!Arrays.equals(in.bytes(MAGIC.length), MAGIC)
        || in.i32() != checksum(bytes)
        || in.i32() != FORMAT) {
      throw new MalformedDataException("kernel cache", 0, "damaged or of another format");
    }
    String id = new String(in.bytes(in.u32()), StandardCharsets.US_ASCII);
    if (!id.equals(buildId)) {
      return Optional.empty();
    }
    boolean signed = in.u32() != 0;
    long base = in.u64();
    long count = in.u32();
    int[] offsets = ints(in, count);
    int[] starts = ints(in, count + 1);
    byte[] pool = in.bytes(in.u32());
    byte[] btf = in.bytes(in.u32());
    return Optional.of(new Entry(new SymbolTable.Stored(offsets, signed, base, pool, starts), btf));
  }

  private static int[] ints(ByteCursor in, long count) {
    byte[] bytes = in.bytes(count * 4);
    int[] values = new int[(int) count];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(values);
    return values;
  }

  private static int checksum(byte[] bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes, CHECKED_FROM, bytes.length - CHECKED_FROM);
    return (int) crc.getValue();
  }
}
