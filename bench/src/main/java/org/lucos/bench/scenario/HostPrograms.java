package org.lucos.bench.scenario;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.lucos.bench.harness.Setting;

/**
 * Programs of this host for a guest, which has none of that size, and what they are to do there.
 *
 * @param folder what the guest is to find at its root
 * @param compiling the command that compiles a module of the kernel, headers and all
 * @param storing the command that has SQLite store rows, look them up and delete them
 */
record HostPrograms(Path folder, String compiling, String storing) {
  /** As the kernel is compiled, as far as the compiler is concerned and not the assembler. */
  private static final String OPTIONS =
      " -quiet -fpreprocessed -std=gnu11 -O2 -w -fno-pie -mcmodel=kernel -mno-red-zone ";

  private static final String UNIT = "/workload/unit.i";
  private static final String QUERIES = "/workload/queries.sql";
  private static final int ROWS = 100;

  static HostPrograms of(Setting setting, String release) {
    Path folder = Inputs.created(setting.work().toAbsolutePath().resolve("host-programs"));
    String script = setting.home().resolve("vm-images/host-programs.sh").toString();
    String programs = Inputs.said(List.of(script, folder.toString()));
    Inputs.created(folder.resolve("workload"));
    try {
      Files.copy(
          Inputs.preprocessed(setting, "livepatch-getpid", release),
          folder.resolve(UNIT.substring(1)),
          StandardCopyOption.REPLACE_EXISTING);
      Files.writeString(folder.resolve(QUERIES.substring(1)), queries());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new HostPrograms(
        folder,
        Inputs.fact(programs, "compiler=") + OPTIONS + UNIT + " -o /tmp/unit.s",
        Inputs.fact(programs, "database=") + " -bail /tmp/rows.db '.read " + QUERIES + "'");
  }

  /** Each row is stored by a transaction of its own. */
  private static String queries() {
    String rows =
        IntStream.range(0, ROWS)
            .mapToObj(
                row -> "INSERT INTO rows VALUES (" + row + ", 'row " + row * 37 % ROWS + "');")
            .collect(Collectors.joining("\n"));
    return String.join(
        "\n",
        "DROP TABLE IF EXISTS rows;",
        "CREATE TABLE rows (number INTEGER PRIMARY KEY, name TEXT);",
        rows,
        "CREATE INDEX names ON rows (name);",
        "SELECT count(*) FROM rows AS a JOIN rows AS b ON a.name > b.name;",
        "DELETE FROM rows WHERE number % 2;",
        "");
  }
}
