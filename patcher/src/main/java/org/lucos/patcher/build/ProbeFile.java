package org.lucos.patcher.build;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Probes as authors write them: an array of JSON objects as they stand in a manifest. Instead of
 * {@code words} a script may have {@code scriptFile}, the name of a file beside this one. Instead
 * of {@code program} one that brings a program along has {@code programFile}, the name of a C file
 * beside this one.
 */
public final class ProbeFile {
  private static final int LARGEST = 1 << 20;
  private static final Pattern BESIDE = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}");

  private ProbeFile() {}

  /**
   * The probes that belong to an edit script, {@code NAME.probes.json} beside {@code NAME.edit}.
   */
  public static Optional<Path> ofEdit(Path script) {
    String name = String.valueOf(script.getFileName()).replaceFirst("\\.edit$", "");
    return Optional.of(script.resolveSibling(name + ".probes.json")).filter(Files::isRegularFile);
  }

  /** The probes of a recipe: beside its edit script, or in its folder. */
  public static Optional<Path> ofRecipe(Path recipes, String name) {
    if (!BESIDE.matcher(name).matches()) {
      return Optional.empty();
    }
    return Optional.of(recipes.resolve("fixes").resolve(name).resolve("probes.json"))
        .filter(Files::isRegularFile)
        .or(() -> ofEdit(recipes.resolve("mechanism").resolve(name + ".edit")));
  }

  /**
   * The probes of a recipe: those it has, else what its observer sees before and after.
   *
   * @param observer the C source of it
   */
  public static ProbeSet ofFix(Path recipes, String name, Path observer, HostCommands commands) {
    return ofRecipe(recipes, name)
        .map(file -> read(file, commands))
        .orElseGet(() -> ProbeSet.ofObserver(name, ProbeProgram.compile(observer, commands)));
  }

  /**
   * Reads a file, and compiles its programs.
   *
   * @throws RefusedException with {@link InputRefusal.BadSource} if there is none, it has anything
   *     but probes, or a program does not compile
   */
  public static ProbeSet read(Path file, HostCommands commands) {
    try {
      JsonNode array = new ObjectMapper().readTree(text(file));
      if (array == null || !array.isArray()) {
        throw bad(file, "an array of probes is expected");
      }
      List<PatchProbe> probes = new ArrayList<>();
      Map<String, Bytes> programs = new LinkedHashMap<>();
      for (JsonNode each : array) {
        JsonNode probe = withScript(file, each);
        programOf(file, probe, commands)
            .ifPresent(program -> programs.put(program.sha256(), program));
        probes.add(ManifestJson.readProbe(probe));
      }
      return new ProbeSet(probes, programs);
    } catch (JsonProcessingException e) {
      throw bad(file, e.getOriginalMessage());
    } catch (IOException | IllegalArgumentException e) {
      throw bad(file, String.valueOf(e.getMessage()));
    }
  }

  private static JsonNode withScript(Path file, JsonNode probe) throws IOException {
    if (!(probe instanceof ObjectNode object) || !object.has("scriptFile")) {
      return probe;
    }
    String name = object.remove("scriptFile").asText();
    if (!BESIDE.matcher(name).matches() || object.has("words")) {
      throw bad(file, "scriptFile: the name of a file beside this one, and no words");
    }
    object.putArray("words").add(text(file.resolveSibling(name)));
    return object;
  }

  private static Optional<Bytes> programOf(Path file, JsonNode probe, HostCommands commands) {
    if (!(probe instanceof ObjectNode object) || !object.has("programFile")) {
      return Optional.empty();
    }
    String name = object.remove("programFile").asText();
    if (!BESIDE.matcher(name).matches() || object.has("program")) {
      throw bad(file, "programFile: the name of a file beside this one, and no program");
    }
    Path source = file.resolveSibling(name);
    if (!Files.isRegularFile(source)) {
      throw bad(source, "no such file");
    }
    Bytes program = ProbeProgram.compile(source, commands);
    object.put("program", program.sha256());
    if (!object.has("words")) {
      object.putArray("words").add(name.replaceFirst("\\.c$", ""));
    }
    return Optional.of(program);
  }

  private static String text(Path file) throws IOException {
    if (!Files.isRegularFile(file) || Files.size(file) > LARGEST) {
      throw bad(file, "no such file, or one of more than " + (LARGEST >> 20) + " MiB");
    }
    return Files.readString(file, StandardCharsets.UTF_8);
  }

  private static RefusedException bad(Path file, String detail) {
    return new RefusedException(new InputRefusal.BadSource(file.toString(), detail));
  }
}
