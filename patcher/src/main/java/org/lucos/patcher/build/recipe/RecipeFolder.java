package org.lucos.patcher.build.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.lucos.patcher.build.BuildFailedException;
import org.lucos.patcher.build.recipe.FixRecipe.Change;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The folder {@code kernel-patches}: {@code fixes/NAME/recipe.json} with an observer beside it, and
 * {@code mechanism/NAME.edit}.
 *
 * @param root the folder
 * @param fixes by name
 * @param mechanisms by name
 */
public record RecipeFolder(Path root, List<FixRecipe> fixes, List<EditScript> mechanisms) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String EDIT = ".edit";

  public RecipeFolder {
    fixes = ImmutableList.copyOf(fixes);
    mechanisms = ImmutableList.copyOf(mechanisms);
  }

  /**
   * Reads the folder.
   *
   * @throws MalformedDataException naming the file that is malformed
   */
  public static RecipeFolder read(Path root) {
    List<FixRecipe> fixes = new ArrayList<>();
    for (Path folder : list(root.resolve("fixes"))) {
      Path file = folder.resolve("recipe.json");
      if (Files.isRegularFile(file)) {
        fixes.add(recipe(String.valueOf(folder.getFileName()), text(file)));
      }
    }
    List<EditScript> mechanisms = new ArrayList<>();
    for (Path file : list(root.resolve("mechanism"))) {
      if (String.valueOf(file.getFileName()).endsWith(EDIT)) {
        mechanisms.add(script(file));
      }
    }
    return new RecipeFolder(root, fixes, mechanisms);
  }

  /**
   * Reads one edit script, wherever it is; it is named after the file.
   *
   * @throws MalformedDataException with the line that is malformed
   */
  public static EditScript script(Path file) {
    String name = String.valueOf(file.getFileName());
    String bare = name.endsWith(EDIT) ? name.substring(0, name.length() - EDIT.length()) : name;
    return EditScriptReader.read(bare, text(file));
  }

  /** The fix of that name. */
  public Optional<FixRecipe> fix(String name) {
    return fixes.stream().filter(recipe -> recipe.name().equals(name)).findFirst();
  }

  /** The edit script of that name. */
  public Optional<EditScript> mechanism(String name) {
    return mechanisms.stream().filter(script -> script.name().equals(name)).findFirst();
  }

  /** The C source of a recipe's observer. */
  public Path observer(FixRecipe recipe) {
    return root.resolve("fixes").resolve(recipe.name()).resolve(recipe.observer());
  }

  static FixRecipe recipe(String name, String json) {
    String source = name + "/recipe.json";
    try {
      JsonNode node = JSON.readTree(json);
      List<Change> changes = new ArrayList<>();
      for (JsonNode change : node.path("changes")) {
        Optional<String> only =
            change.has("only") ? Optional.of(pattern(source, change, "only")) : Optional.empty();
        changes.add(
            new Change(
                need(source, change, "file"),
                strings(change.path("functions")),
                only,
                pattern(source, change, "mark")));
      }
      return new FixRecipe(
          name,
          need(source, node, "title"),
          strings(node.path("fixes")),
          need(source, node, "description"),
          need(source, node, "shows"),
          changes,
          need(source, node, "observer"));
    } catch (IOException e) {
      throw new MalformedDataException(source, 0, "no JSON: " + e.getMessage());
    } catch (IllegalArgumentException e) {
      throw new MalformedDataException(source, 0, String.valueOf(e.getMessage()));
    }
  }

  private static String need(String source, JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (!value.isTextual()) {
      throw new MalformedDataException(source, 0, "no text in field '" + field + "'");
    }
    return value.asText();
  }

  private static String pattern(String source, JsonNode node, String field) {
    try {
      return Pattern.compile(need(source, node, field)).pattern();
    } catch (PatternSyntaxException e) {
      throw new MalformedDataException(
          source, 0, "no pattern in '" + field + "': " + e.getDescription());
    }
  }

  private static List<String> strings(JsonNode array) {
    List<String> values = new ArrayList<>();
    array.forEach(value -> values.add(value.asText()));
    return values;
  }

  private static List<Path> list(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    } catch (IOException e) {
      throw new BuildFailedException("cannot list " + folder, e);
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new BuildFailedException("cannot read " + file, e);
    }
  }
}
