package org.lucos.patcher.build;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.google.common.collect.ImmutableList;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A look from inside a guest at whether a patch does what it is for, or whether a service is well.
 * It is a part of the manifest, so what signs that stands for it.
 *
 * @param name of it among those of its patch
 * @param when it must hold
 * @param check what is looked at
 * @param words of the check: see {@link Check}
 * @param limitMilliseconds how long it may take; at most a minute
 * @param exitCode that a program must end with
 * @param output that must be found in what a program prints; anything if empty
 * @param slowdown how many times as long as before the patch it may take; 0: whatever it takes
 * @param required whether nothing is applied unless it holds before; never of one for afterwards
 * @param failure what it means if it does not hold, for people; may be empty
 * @param program digest of the program that the bundle brings along, lower-case hex; empty unless
 *     that is what is looked at
 */
public record PatchProbe(
    String name,
    When when,
    Check check,
    List<String> words,
    int limitMilliseconds,
    @JsonInclude(JsonInclude.Include.NON_DEFAULT) @JsonSetter(nulls = Nulls.AS_EMPTY) int exitCode,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) @JsonSetter(nulls = Nulls.AS_EMPTY) String output,
    @JsonInclude(JsonInclude.Include.NON_DEFAULT) @JsonSetter(nulls = Nulls.AS_EMPTY) int slowdown,
    @JsonInclude(JsonInclude.Include.NON_DEFAULT) @JsonSetter(nulls = Nulls.AS_EMPTY)
        boolean required,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) @JsonSetter(nulls = Nulls.AS_EMPTY) String failure,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) @JsonSetter(nulls = Nulls.AS_EMPTY)
        String program) {
  /** How many a patch may have. */
  public static final int MOST = 16;

  /** How a program of a bundle ends that can see neither that it holds nor that it does not. */
  public static final int CANNOT_TELL = 20;

  /** What the agent takes in one question, with room for the words around a script. */
  private static final int LONGEST_WORDS = 12 << 10;

  private static final int MOST_WORDS = 60;
  private static final int LONGEST_LIMIT = 60_000;
  private static final int LONGEST_TEXT = 200;
  private static final int MOST_SLOWDOWN = 1000;
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,39}");
  private static final Pattern ADDRESS = Pattern.compile("[0-9a-fA-F.:]{2,45}");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern PORT = Pattern.compile("[1-9][0-9]{0,4}");

  /** The name of a unit; systemd's own rule, and what comes first is not taken for an option. */
  private static final Pattern UNIT = Pattern.compile("[A-Za-z0-9_@:][A-Za-z0-9_@:.\\\\-]{0,254}");

  /** Whether this may be the name of a unit of systemd, with or without its kind. */
  public static boolean isUnit(String name) {
    return UNIT.matcher(name).matches();
  }

  /** When a probe must hold. */
  public enum When {
    /** Before the patch: it sees the flaw. */
    @JsonProperty("before")
    BEFORE,
    /** Once it is applied: the flaw is gone. */
    @JsonProperty("after")
    AFTER,
    /** Before it, once it is applied and as long as the guest is watched: a service is well. */
    @JsonProperty("always")
    ALWAYS
  }

  /** What is looked at. */
  public enum Check {
    /** Whether a TCP port takes connections; words: address and port. */
    @JsonProperty("tcp")
    TCP,
    /** Whether a file can be read; one word: its path. */
    @JsonProperty("file")
    FILE,
    /** Whether a service is active, by the guest's systemd; one word: its unit. */
    @JsonProperty("service")
    SERVICE,
    /** How a program of the guest ends; words: its path and arguments. */
    @JsonProperty("command")
    COMMAND,
    /** How a shell script of the bundle ends; one word: its text. */
    @JsonProperty("script")
    SCRIPT,
    /** How a program of the bundle ends; words: what it is called, and its arguments. */
    @JsonProperty("program")
    PROGRAM
  }

  /** Copies the list; throws unless everything is within its limits. */
  public PatchProbe {
    words = ImmutableList.copyOf(words);
    require(NAME.matcher(name).matches(), "name: small letters, digits and '-', at most 40");
    require(
        limitMilliseconds >= 1 && limitMilliseconds <= LONGEST_LIMIT,
        name + ": limitMilliseconds: from 1 to " + LONGEST_LIMIT);
    require(exitCode >= 0 && exitCode <= 255, name + ": exitCode: from 0 to 255");
    require(
        slowdown == 0 || (slowdown >= 2 && slowdown <= MOST_SLOWDOWN && when == When.ALWAYS),
        name + ": slowdown: of an 'always' probe, from 2 to " + MOST_SLOWDOWN);
    require(!required || when != When.AFTER, name + ": required: not of an 'after' probe");
    require(isLine(output), name + ": output: a line of at most 200 characters");
    require(isLine(failure), name + ": failure: a line of at most 200 characters");
    require(
        endsWithCode(check) || (exitCode == 0 && output.isEmpty()),
        name + ": exitCode and output are of programs");
    boolean brought = check == Check.PROGRAM;
    require(
        brought ? SHA256.matcher(program).matches() : program.isEmpty(),
        name + ": program: the SHA-256 of a 'program' check's");
    require(!brought || exitCode != CANNOT_TELL, name + ": exitCode: not " + CANNOT_TELL);
    require(areSound(check, words), name + ": words do not make a " + check + " check");
  }

  /** Of what the bundle does not bring along. */
  public PatchProbe(
      String name,
      When when,
      Check check,
      List<String> words,
      int limitMilliseconds,
      int exitCode,
      String output,
      int slowdown,
      boolean required,
      String failure) {
    this(
        name,
        when,
        check,
        words,
        limitMilliseconds,
        exitCode,
        output,
        slowdown,
        required,
        failure,
        "");
  }

  /** Whether such a check ends with an exit code and prints something. */
  public static boolean endsWithCode(Check check) {
    return check == Check.COMMAND || check == Check.SCRIPT || check == Check.PROGRAM;
  }

  /** Throws unless a patch may have these together. */
  static List<PatchProbe> together(List<PatchProbe> probes) {
    require(probes.size() <= MOST, "at most " + MOST + " probes");
    Set<String> names = new HashSet<>();
    probes.forEach(probe -> require(names.add(probe.name), "probe twice: " + probe.name));
    return ImmutableList.copyOf(probes);
  }

  private static boolean areSound(Check check, List<String> words) {
    int bytes = 0;
    for (String word : words) {
      bytes += word.getBytes(StandardCharsets.UTF_8).length + 1;
      if (!word.chars().allMatch(c -> isPrintable(c) || c == '\n' || c == '\t')) {
        return false;
      }
    }
    if (words.isEmpty() || words.size() > MOST_WORDS || bytes > LONGEST_WORDS) {
      return false;
    }
    return switch (check) {
      case TCP ->
          words.size() == 2
              && ADDRESS.matcher(words.get(0)).matches()
              && PORT.matcher(words.get(1)).matches()
              && Integer.parseInt(words.get(1)) <= 65535;
      case FILE -> words.size() == 1 && words.get(0).startsWith("/");
      case SERVICE -> words.size() == 1 && isUnit(words.get(0));
      case COMMAND -> words.get(0).startsWith("/");
      case SCRIPT -> words.size() == 1 && !words.get(0).isBlank();
      case PROGRAM -> !words.get(0).isBlank();
    };
  }

  private static boolean isLine(String text) {
    return text.length() <= LONGEST_TEXT && text.chars().allMatch(PatchProbe::isPrintable);
  }

  private static boolean isPrintable(int c) {
    return (c >= ' ' && c < 0x7f) || (c >= 0xa0 && !Character.isISOControl(c));
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new IllegalArgumentException("probe " + otherwise);
    }
  }
}
