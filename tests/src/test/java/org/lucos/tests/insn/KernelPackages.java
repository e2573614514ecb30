package org.lucos.tests.insn;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Kernel image packages in the cache, and the vmlinux inside them. */
final class KernelPackages {
  private static final int SETUP_SECTORS = 0x1f1;
  private static final int PAYLOAD_OFFSET = 0x248;
  private static final int PAYLOAD_LENGTH = 0x24c;
  private static final byte[] LZ4_LEGACY = {0x02, 0x21, 0x4c, 0x18};
  private static final byte[] ZSTD = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd};

  private KernelPackages() {}

  /** The last package in the cache, by name, whose file name begins so. */
  static Optional<Path> find(String prefix) {
    Path debs =
        Path.of(System.getenv().getOrDefault("LUCOS_CACHE", "/var/cache/lucos")).resolve("debs");
    if (!Files.isDirectory(debs)) {
      return Optional.empty();
    }
    try (Stream<Path> files = Files.list(debs)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(prefix))
          .filter(file -> file.toString().endsWith("cloud-amd64_" + versionOf(file) + "_amd64.deb"))
          .max(Path::compareTo);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String versionOf(Path deb) {
    String[] parts = deb.getFileName().toString().split("_", -1);
    return parts.length < 2 ? "" : parts[1];
  }

  /** Unpacks the ELF kernel of an image package into {@code folder}. */
  static Path vmlinux(Path deb, Path folder) throws IOException, InterruptedException {
    Path tar = folder.resolve("data.tar");
    run(tar, null, "dpkg-deb", "--fsys-tarfile", deb.toString());
    Path image = folder.resolve("vmlinuz");
    run(image, null, "tar", "-xOf", tar.toString(), "--wildcards", "./boot/vmlinuz-*");
    Files.delete(tar);
    byte[] file = Files.readAllBytes(image);
    int setup = (file[SETUP_SECTORS] == 0 ? 4 : file[SETUP_SECTORS] & 0xff) * 512 + 512;
    int from = setup + word(file, PAYLOAD_OFFSET);
    byte[] payload = Arrays.copyOfRange(file, from, from + word(file, PAYLOAD_LENGTH));
    Path compressed = Files.write(folder.resolve("payload"), payload);
    Path vmlinux = folder.resolve("vmlinux");
    // the compressed stream is followed by its length, which the tools take for trailing garbage
    run(vmlinux, compressed, tool(payload), "-dc");
    return vmlinux;
  }

  private static String tool(byte[] payload) {
    if (Arrays.equals(payload, 0, 4, LZ4_LEGACY, 0, 4)) {
      return "lz4";
    }
    if (Arrays.equals(payload, 0, 4, ZSTD, 0, 4)) {
      return "zstd";
    }
    return "xz";
  }

  private static int word(byte[] data, int at) {
    return (data[at] & 0xff)
        | (data[at + 1] & 0xff) << 8
        | (data[at + 2] & 0xff) << 16
        | data[at + 3] << 24;
  }

  private static void run(
      Path output, @org.jspecify.annotations.Nullable Path input, String... command)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(List.of(command))
            .redirectOutput(output.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    if (input != null) {
      builder.redirectInput(input.toFile());
    }
    builder.start().waitFor();
    if (Files.size(output) == 0) {
      throw new IOException("no output: command=" + String.join(" ", command));
    }
  }
}
