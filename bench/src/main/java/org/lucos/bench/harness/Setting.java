package org.lucos.bench.harness;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.app.Settings;

/**
 * Where and how scenarios run.
 *
 * @param home this installation
 * @param settings of the product; a scenario keeps what it writes below {@code work}
 * @param work a directory of this run's own
 * @param kernel options of {@code vm-images} that say which kernel guests run
 * @param rounds how often each thing is measured
 * @param corpus the directory of a run of {@code lucos-corpus} to sum up; a sample of one is built
 *     if absent
 */
public record Setting(
    Path home,
    Settings settings,
    Path work,
    List<String> kernel,
    int rounds,
    Optional<Path> corpus) {
  /** Copies the list. */
  public Setting {
    kernel = List.copyOf(kernel);
  }
}
