package org.lucos.bench.corpus;

import com.google.common.collect.ImmutableList;
import java.util.List;

/**
 * What building one file's change came to.
 *
 * @param path of the file in the source
 * @param placement {@code vmlinux}, {@code module NAME}, {@code modules NAMES}, {@code elsewhere}
 *     (the flavour compiles no object of that name; another file may include it) or empty for what
 *     is not compiled by itself
 * @param kind the change's class by its text
 * @param kindReason the line that decided, if it is more than code
 * @param with changed headers that were built along, as the file does not compile without
 * @param lines changed lines, those added and those removed
 * @param outcome how it ended
 * @param code of the refusal; empty otherwise
 * @param detail of the refusal or failure
 * @param seconds the build took
 * @param bytes size of the bundle; 0 without one
 * @param functions replaced
 * @param newFunctions added
 */
public record BuildResult(
    String path,
    String placement,
    DiffClass kind,
    String kindReason,
    List<String> with,
    int lines,
    Outcome outcome,
    String code,
    String detail,
    double seconds,
    long bytes,
    List<String> functions,
    List<String> newFunctions) {
  /** How a build ended. */
  public enum Outcome {
    /** There is a bundle. */
    BUILT,
    /** The compiled code is the same before and after. */
    NO_CHANGE,
    /** This flavour does not build the file. */
    NOT_BUILT_HERE,
    /** It cannot be patched live, and the builder says why. */
    REFUSED,
    /** The builder failed or took too long. */
    FAILED
  }

  /** Keeps its own copies. */
  public BuildResult {
    with = ImmutableList.copyOf(with);
    functions = ImmutableList.copyOf(functions);
    newFunctions = ImmutableList.copyOf(newFunctions);
  }

  /** The part of the kernel it belongs to. */
  public Area area() {
    return Area.of(path);
  }

  /** The modules that hold its code; none for vmlinux. */
  public List<String> modules() {
    List<String> words = List.of(placement.split(" ", -1));
    return words.get(0).startsWith("module") ? words.subList(1, words.size()) : List.of();
  }

  /** The bundle's file name. */
  public static String bundleName(String path) {
    return path.replace('/', '+') + ".lucos";
  }
}
