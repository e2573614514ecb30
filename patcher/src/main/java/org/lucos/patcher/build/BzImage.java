package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The kernel inside a {@code vmlinuz} file. Layout: setup header of the x86 boot protocol, 2.08 or
 * later (Documentation/arch/x86/boot.rst): {@code setup_sects} at 0x1f1, {@code HdrS} at 0x202,
 * {@code payload_offset} at 0x248, {@code payload_length} at 0x24c.
 */
final class BzImage {
  private static final int SETUP_SECTS = 0x1f1;
  private static final int MAGIC = 0x202;
  private static final int VERSION = 0x206;
  private static final int PAYLOAD_OFFSET = 0x248;
  private static final int SECTOR = 512;
  private static final long HDRS = 0x53726448;
  private static final int FIRST_WITH_PAYLOAD = 0x208;
  private static final int DEFAULT_SETUP_SECTS = 4;
  // Kbuild appends the unpacked size to every format but gzip, which has it already.
  private static final int SIZE_TRAILER = 4;
  private static final int LONGEST_MAGIC = 6;

  private enum Packing {
    GZIP("1f8b", 0, "gzip", "-dc"),
    XZ("fd377a585a00", SIZE_TRAILER, "xz", "-dc"),
    ZSTD("28b52ffd", SIZE_TRAILER, "zstd", "-dcq"),
    LZ4("02214c18", SIZE_TRAILER, "lz4", "-dc"),
    LZMA("5d000000", SIZE_TRAILER, "xz", "-dc", "--format=lzma"),
    BZIP2("425a68", SIZE_TRAILER, "bzip2", "-dc"),
    LZO("894c5a4f", SIZE_TRAILER, "lzop", "-dc");

    private final String magic;
    private final int trailer;
    private final ImmutableList<String> unpacker;

    Packing(String magic, int trailer, String... unpacker) {
      this.magic = magic;
      this.trailer = trailer;
      this.unpacker = ImmutableList.copyOf(unpacker);
    }

    private static Optional<Packing> of(byte[] payload) {
      int shown = Math.min(payload.length, LONGEST_MAGIC);
      String start = HexFormat.of().formatHex(payload, 0, shown);
      return Arrays.stream(values())
          .filter(packing -> start.startsWith(packing.magic))
          .filter(packing -> payload.length > LONGEST_MAGIC + packing.trailer)
          .findFirst();
    }
  }

  private BzImage() {}

  /**
   * Writes the ELF file inside {@code vmlinuz} to {@code vmlinux}.
   *
   * @param work a directory for the packed kernel meanwhile
   */
  static void extract(String source, byte[] vmlinuz, Path work, Path vmlinux, HostCommands tools) {
    byte[] payload = payload(source, vmlinuz);
    Packing packing =
        Packing.of(payload)
            .orElseThrow(() -> new MalformedDataException(source, 0, "unknown kernel compression"));
    Path packed = work.resolve("vmlinux.packed");
    byte[] bare = Arrays.copyOf(payload, payload.length - packing.trailer);
    FileTrees.writeAtomically(packed, bare);
    List<Command> steps =
        List.of(Command.of("cat", packed.toString()), Command.of(packing.unpacker).to(vmlinux));
    CommandOutcome outcome = tools.pipe(steps);
    if (!outcome.succeeded()) {
      throw new BuildFailedException("cannot unpack " + source + ": " + outcome.tail(3));
    }
    FileTrees.delete(packed);
  }

  /** The packed kernel, as it lies in the file. */
  static byte[] payload(String source, byte[] vmlinuz) {
    ByteCursor cursor = new ByteCursor(source, vmlinuz);
    if (cursor.seek(MAGIC).u32() != HDRS || cursor.seek(VERSION).u16() < FIRST_WITH_PAYLOAD) {
      throw new MalformedDataException(
          source, MAGIC, "no x86 boot image of protocol 2.08 or later");
    }
    int sectors = cursor.seek(SETUP_SECTS).u8();
    long setup = ((sectors == 0 ? DEFAULT_SETUP_SECTS : sectors) + 1L) * SECTOR;
    long offset = cursor.seek(PAYLOAD_OFFSET).u32();
    long length = cursor.u32();
    return cursor.slice(source, setup + offset, length).bytes(length);
  }
}
