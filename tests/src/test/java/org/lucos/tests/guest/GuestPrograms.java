package org.lucos.tests.guest;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * The programs under {@code tests/src/test/guest} and {@code vm-images/programs}: each C file is
 * one program, linked statically, kept in the cache under a digest of its source and compiler.
 * Every test guest has all of them in {@code /bin}.
 */
public final class GuestPrograms {
  private static final List<String> COMPILER =
      List.of(
          "gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-pthread", "-s");

  private GuestPrograms() {}

  /** All programs, compiled. */
  static List<GuestFile> all() {
    return Stream.of("tests/src/test/guest", "vm-images/programs")
        .flatMap(folder -> in(Repository.root().resolve(folder)))
        .toList();
  }

  private static Stream<GuestFile> in(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".c"))
          .sorted()
          .map(file -> new GuestFile(compiled(file), "/bin/" + programName(file)))
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String programName(Path source) {
    return source.getFileName().toString().replaceFirst("\\.c$", "");
  }

  /** The program of a C file that includes no headers but the system's and its parent folder's. */
  public static Path compiled(Path source) {
    if (Prepared.isAllThereIs()) {
      return source; // guests have it already, and nothing is compiled
    }
    try {
      String version = HostCommand.run(Duration.ofSeconds(20), List.of("gcc", "--version"));
      Path folder = Files.createDirectories(Repository.cache().resolve("programs"));
      String name = programName(source);
      Path program = folder.resolve(name + "-" + digest(sources(source) + COMPILER + version));
      if (!Files.isExecutable(program)) {
        Path fresh = Files.createTempFile(folder, name, ".new");
        try {
          Stream<String> arguments = Stream.of("-o", fresh.toString(), source.toString());
          HostCommand.run(
              Duration.ofMinutes(2), Stream.concat(COMPILER.stream(), arguments).toList());
          Files.move(fresh, program, ATOMIC_MOVE);
        } finally {
          Files.deleteIfExists(fresh);
        }
      }
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String sources(Path source) throws IOException {
    StringBuilder text = new StringBuilder(Files.readString(source));
    try (Stream<Path> files = Files.list(source.resolve("../..").normalize())) {
      for (Path header : files.filter(f -> f.toString().endsWith(".h")).sorted().toList()) {
        text.append(Files.readString(header));
      }
    }
    return text.toString();
  }

  private static String digest(String text) {
    try {
      byte[] sum =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(sum, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
