package org.lucos.bridge.qemu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;

/**
 * The QEMU process of a domain.
 *
 * @param id the process id
 * @param startTime when it started, in clock ticks since boot: with the id, names one process for
 *     good
 * @param commandLine its arguments
 */
record QemuProcess(long id, long startTime, List<String> commandLine) {
  /** In /proc/PID/stat, after the command name: see proc(5), field 22 (counted from 1). */
  private static final int START_TIME_AFTER_NAME = 22 - 3;

  /** Of a process that has ended and whose parent has not noticed, and of one that is ending. */
  private static final List<String> ENDED = List.of("Z", "X");

  private static final Pattern MASTER_KEY =
      Pattern.compile("\"file\":\"([^\"]+)/master-key\\.aes\"");

  QemuProcess {
    commandLine = List.copyOf(commandLine);
  }

  /**
   * Finds the process of {@code domain}: by libvirt's pid file, or among all processes.
   *
   * @param proc where procfs is
   * @param pidFiles where libvirt keeps its pid files
   */
  static QemuProcess find(DomainIdentity domain, Path proc, Path pidFiles) {
    return fromPidFile(domain, proc, pidFiles)
        .or(() -> fromProcessList(domain, proc))
        .orElseThrow(
            () ->
                new DomainRefusedException(
                    new DomainRefusal.HypervisorFailure(
                        "looking for the QEMU process of '" + domain.name() + "'",
                        "no process on this host has UUID "
                            + domain.uuid()
                            + " on its command line")));
  }

  private static Optional<QemuProcess> fromPidFile(
      DomainIdentity domain, Path proc, Path pidFiles) {
    try {
      String text = Files.readString(pidFiles.resolve(domain.name() + ".pid")).strip();
      return text.matches("[0-9]{1,9}")
          ? load(Long.parseLong(text), domain, proc)
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // not there or not ours to read: the process list knows too
    }
  }

  private static Optional<QemuProcess> fromProcessList(DomainIdentity domain, Path proc) {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(proc, "[1-9]*")) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        if (name.matches("[0-9]{1,9}")) {
          Optional<QemuProcess> process = load(Long.parseLong(name), domain, proc);
          if (process.isPresent()) {
            return process;
          }
        }
      }
      return Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static Optional<QemuProcess> load(long id, DomainIdentity domain, Path proc) {
    try {
      Path directory = proc.resolve(Long.toString(id));
      List<String> arguments =
          List.of(
              Files.readString(directory.resolve("cmdline"), StandardCharsets.ISO_8859_1)
                  .split("\0", -1));
      int uuid = arguments.indexOf("-uuid");
      if (uuid < 0
          || uuid + 1 == arguments.size()
          || !arguments.get(uuid + 1).equalsIgnoreCase(domain.uuid().toString())) {
        return Optional.empty();
      }
      return Optional.of(new QemuProcess(id, startTime(directory), arguments));
    } catch (IOException e) {
      return Optional.empty(); // ended while being looked at
    }
  }

  /**
   * Checks that the process still is the one that was found.
   *
   * @throws DomainRefusedException if it has ended
   */
  void requireAlive(DomainIdentity domain, Path proc) {
    try {
      if (startTime(proc.resolve(Long.toString(id))) == startTime) {
        return;
      }
    } catch (NoSuchFileException e) {
      // ended
    } catch (IOException e) {
      throw new DomainRefusedException(
          new DomainRefusal.HypervisorFailure("reading /proc/" + id + "/stat", e.toString()), e);
    }
    throw new DomainRefusedException(
        new DomainRefusal.NotRunning(domain.name(), DomainState.SHUT_OFF));
  }

  /**
   * The directory libvirt made for this run of the domain, in which QEMU may create sockets; empty
   * if its command line does not tell.
   */
  Optional<Path> runDirectory() {
    for (String argument : commandLine) {
      Matcher matcher = MASTER_KEY.matcher(argument);
      if (matcher.find()) {
        return Optional.of(Path.of(matcher.group(1)));
      }
    }
    return Optional.empty();
  }

  private static long startTime(Path directory) throws IOException {
    String stat = Files.readString(directory.resolve("stat"), StandardCharsets.ISO_8859_1);
    // The command name may itself hold blanks and parentheses; its closing one is the last.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", -1);
    if (fields.length <= START_TIME_AFTER_NAME) {
      throw new IOException("too few fields: " + stat.strip());
    }
    if (ENDED.contains(fields[0])) {
      throw new NoSuchFileException(directory.toString(), null, "the process has ended");
    }
    return Long.parseLong(fields[START_TIME_AFTER_NAME]);
  }
}
