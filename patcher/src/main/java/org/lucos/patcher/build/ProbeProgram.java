package org.lucos.patcher.build;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Programs that a bundle brings along for its probes: they run in guests that have no libraries for
 * them, from memory, and so are static.
 */
public final class ProbeProgram {
  /** What the agent takes. */
  public static final int LARGEST = 2 << 20;

  private static final int MAGIC = 0x464c457f;
  private static final int LITTLE_ENDIAN_64 = 0x0102;
  private static final int PHDR_OFFSET_FIELD = 32;
  private static final int PHDR_SIZE_FIELD = 54;
  private static final int PHDR_SIZE = 56;
  private static final int PT_INTERP = 3;
  private static final Duration LIMIT = Duration.ofMinutes(2);

  private ProbeProgram() {}

  /**
   * Throws unless it is a static program of x86-64 (System V ABI, {@code elf.h}), of a size that
   * the agent takes.
   *
   * @throws MalformedDataException saying where it is not
   */
  public static void requireSound(Bytes program) {
    ByteCursor cursor = program.cursor("program");
    if (program.size() > LARGEST) {
      throw cursor.malformed("larger than " + LARGEST + " bytes");
    }
    if (cursor.i32() != MAGIC || cursor.u16() != LITTLE_ENDIAN_64) {
      throw cursor.malformed("no 64-bit ELF file");
    }
    int type = cursor.seek(16).u16();
    if ((type != ElfFormat.ET_EXEC && type != ElfFormat.ET_DYN)
        || cursor.u16() != ElfFormat.EM_X86_64) {
      throw cursor.malformed("no program of x86-64");
    }
    long headers = cursor.seek(PHDR_OFFSET_FIELD).u64();
    int size = cursor.seek(PHDR_SIZE_FIELD).u16();
    int count = cursor.u16();
    if (size != PHDR_SIZE || count == 0) {
      throw cursor.malformed("no program headers");
    }
    ByteCursor table = cursor.slice("program headers", headers, (long) count * PHDR_SIZE);
    for (int i = 0; i < count; i++) {
      if (table.seek((long) i * PHDR_SIZE).u32() == PT_INTERP) {
        throw table.malformed("not static: it needs an interpreter");
      }
    }
  }

  /**
   * Reads a program.
   *
   * @throws RefusedException with {@link InputRefusal.NoProbe} if there is none in the file
   */
  public static Bytes read(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      Bytes program = Bytes.of(in.readNBytes(LARGEST + 1));
      requireSound(program);
      return program;
    } catch (IOException e) {
      throw new RefusedException(
          new InputRefusal.NoProbe(file.toString(), "cannot be read: " + e), e);
    } catch (MalformedDataException e) {
      throw new RefusedException(
          new InputRefusal.NoProbe(file.toString(), String.valueOf(e.getMessage())), e);
    }
  }

  /**
   * Compiles a C file with this host's {@code gcc}.
   *
   * @throws RefusedException with {@link InputRefusal.BadSource} if it does not compile, or is too
   *     large as a program
   */
  static Bytes compile(Path source, HostCommands commands) {
    try {
      Path draft = Files.createTempFile("lucos-probe", ".tmp");
      try {
        CommandOutcome outcome = commands.run(compiler(source, draft).within(LIMIT));
        if (!outcome.succeeded()) {
          throw bad(source, "does not compile: " + outcome.errorLines(5));
        }
        Bytes program = Bytes.of(Files.readAllBytes(draft));
        requireSound(program);
        return program;
      } finally {
        Files.deleteIfExists(draft);
      }
    } catch (MalformedDataException e) {
      throw bad(source, "makes no probe: " + e.getMessage());
    } catch (IOException e) {
      throw new BuildFailedException("cannot compile " + source, e);
    }
  }

  /** Nothing of this host's folders gets into the program: the same source gives the same bytes. */
  private static Command compiler(Path source, Path program) {
    Path folder = source.toAbsolutePath().normalize().getParent();
    return Command.of(
        List.of(
            "gcc",
            "-std=gnu11",
            "-O2",
            "-Wall",
            "-static",
            "-s",
            "-Wl,--build-id=none",
            "-ffile-prefix-map=" + folder + "=.",
            "-o",
            program.toString(),
            source.toString()));
  }

  private static RefusedException bad(Path source, String detail) {
    return new RefusedException(new InputRefusal.BadSource(source.toString(), detail));
  }
}
