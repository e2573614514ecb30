package org.lucos.patcher.build.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.recipe.EditScript.Expectation;
import org.lucos.patcher.bytes.MalformedDataException;

/** The project's own folder, and what is wrong with others. */
class RecipeFolderTest {
  private final RecipeFolder folder = RecipeFolder.read(Path.of("..", "kernel-patches"));

  @Test
  void everyFixHasAnObserverAndSoundPatterns() {
    assertThat(folder.fixes()).hasSizeGreaterThanOrEqualTo(5);
    for (FixRecipe recipe : folder.fixes()) {
      assertThat(folder.observer(recipe)).isRegularFile();
      recipe
          .changes()
          .forEach(
              change -> {
                assertThat(Pattern.compile(change.mark())).isNotNull();
                change.only().ifPresent(only -> assertThat(Pattern.compile(only)).isNotNull());
              });
      assertThat(folder.fix(recipe.name())).contains(recipe);
    }
  }

  @Test
  void mechanismsAreManyAndThoseThatPatchSayHowToSeeIt() {
    List<EditScript> patches =
        folder.mechanisms().stream().filter(s -> s.expectation() == Expectation.PATCH).toList();
    assertThat(patches).allSatisfy(script -> assertThat(script.shows()).isNotEmpty());
    assertThat(patches.stream().filter(script -> script.trial().isPresent()))
        .hasSizeGreaterThanOrEqualTo(10);
    assertThat(folder.mechanisms())
        .extracting(EditScript::expectation)
        .contains(Expectation.NOTHING_CHANGED, Expectation.UNSUPPORTED_CHANGE);
    assertThat(folder.mechanism("uptime-shows")).isPresent();
  }

  @Test
  void everyFileNamesItsLicence() throws Exception {
    try (var files = Files.walk(folder.root())) {
      List<Path> sources = files.filter(f -> f.toString().matches(".*\\.(c|h|edit)$")).toList();
      assertThat(sources).isNotEmpty();
      for (Path source : sources) {
        assertThat(Files.readString(source)).as("%s", source).contains("GPL-2.0-only");
      }
    }
  }

  @Test
  void refusesAMalformedRecipe() {
    for (String json :
        List.of(
            "",
            "nonsense",
            "{}",
            "{\"title\":\"t\",\"description\":\"d\",\"shows\":\"s\",\"observer\":\"o\",\"changes\":[]}",
            "{\"title\":\"t\",\"description\":\"d\",\"shows\":\"s\",\"observer\":\"o\","
                + "\"changes\":[{\"file\":\"f\",\"functions\":[],\"mark\":\"m\"}]}",
            "{\"title\":7,\"description\":\"d\",\"shows\":\"s\",\"observer\":\"o\","
                + "\"changes\":[{\"file\":\"f\",\"functions\":[\"x\"],\"mark\":\"m\"}]}")) {
      assertThatThrownBy(() -> RecipeFolder.recipe("bad", json))
          .isInstanceOf(MalformedDataException.class);
    }
  }
}
