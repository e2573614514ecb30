package org.lucos.tests.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.hash.Hashing;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.BtfTypes;
import org.lucos.patcher.kernel.Field;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.tests.guest.GuestSpec;

/** Every structure of the kernel, held against what pahole makes of the same type information. */
class TypesAgainstPaholeTest {
  private static final Pattern STRUCT = Pattern.compile("^(?:struct|union) (\\w+) \\{$");
  private static final Pattern SIZE = Pattern.compile("^\\t/\\* size: (\\d+),.*");
  private static final Pattern MEMBER =
      Pattern.compile("^\\t\\S.*?(\\w+)((?:\\[\\d*])*);\\s+/\\*\\s+(\\d+)\\s+(\\d+) \\*/.*");
  private static final Pattern FUNCTION =
      Pattern.compile("^\\t\\S.*?\\(\\*(\\w+)\\)\\(.*\\);\\s+/\\*\\s+(\\d+)\\s+(\\d+) \\*/.*");

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"cloud-amd64, 6.1", "cloud-amd64, 6.12", "amd64, 6.1"})
  void offsetsAndSizesAreThoseOfPahole(String flavour, String series) throws Exception {
    GuestSpec spec = GuestSpec.of(flavour, series).withModule("tun");
    try (AttachedGuest attached = AttachedGuest.boot(spec, folder)) {
      RunningKernel kernel = attached.kernel();
      Path file = folder.resolve("vmlinux");
      Files.write(file, blob(kernel));
      assertThat(attached.guest().run("sha256sum </sys/kernel/btf/vmlinux"))
          .startsWith(Hashing.sha256().hashBytes(blob(kernel)).toString());

      compare(kernel.types(), pahole(file.toString()), 5_000, 30_000);

      LoadedModule tun = kernel.module("tun").orElseThrow();
      Path module = folder.resolve("tun");
      Files.write(module, attached.guest().read("/sys/kernel/btf/tun"));
      Map<String, Shape> own = pahole("--btf_base=" + file, module.toString());
      assertThat(own).containsKey("tun_struct");
      compare(
          kernel.types(tun).orElseThrow(),
          Map.of("tun_struct", required(own, "tun_struct")),
          1,
          10);
    }
  }

  private static Shape required(Map<String, Shape> shapes, String name) {
    return Optional.ofNullable(shapes.get(name)).orElseThrow();
  }

  private static byte[] blob(RunningKernel kernel) {
    GuestVirtualAddress start = kernel.symbols().address("__start_BTF");
    return kernel.memory().bytes(start, (int) kernel.symbols().address("__stop_BTF").minus(start));
  }

  private static void compare(
      BtfTypes types, Map<String, Shape> shapes, int leastStructs, int leastMembers) {
    int structs = 0;
    int members = 0;
    int ambiguous = 0;
    for (Map.Entry<String, Shape> entry : shapes.entrySet()) {
      Shape shape = entry.getValue();
      Optional<StructLayout> found = unlessAmbiguous(types, entry.getKey());
      if (found.isEmpty()) {
        ambiguous++;
        continue;
      }
      StructLayout layout = found.get();
      shape.size.ifPresent(
          size -> assertThat(layout.size()).as("size of %s", entry.getKey()).isEqualTo(size));
      structs++;
      for (Member member : shape.members) {
        Field field = layout.field(member.name());
        assertThat(field.offset()).as(field.path()).isEqualTo(member.offset());
        assertThat(field.size()).as(field.path()).isEqualTo(member.size());
        members++;
      }
    }
    assertThat(ambiguous).as("refused").isLessThanOrEqualTo(structs / 50);
    assertThat(structs).as("structs compared").isGreaterThanOrEqualTo(leastStructs);
    assertThat(members).as("members compared").isGreaterThanOrEqualTo(leastMembers);
  }

  /** A structure, unless several have its name; of these pahole prints but one. */
  private static Optional<StructLayout> unlessAmbiguous(BtfTypes types, String name) {
    try {
      return Optional.of(types.struct(name));
    } catch (RefusedException e) {
      assertThat(e).hasMessageContaining("types have this name");
      return Optional.empty();
    }
  }

  private record Member(String name, long offset, long size) {}

  /** What pahole prints of a structure, as far as one line says it all. */
  private static final class Shape {
    private final List<Member> members = new ArrayList<>();

    /** pahole tells none of a union. */
    private OptionalLong size = OptionalLong.empty();
  }

  private static Map<String, Shape> pahole(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("pahole"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).start();
    Map<String, Shape> shapes = new HashMap<>();
    Shape current = new Shape();
    try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher start = STRUCT.matcher(line);
        Matcher size = SIZE.matcher(line);
        Matcher function = FUNCTION.matcher(line);
        Matcher member = MEMBER.matcher(line);
        if (start.matches()) {
          current = new Shape();
          shapes.put(start.group(1), current);
        } else if (size.matches()) {
          current.size = OptionalLong.of(Long.parseLong(size.group(1)));
        } else if (function.matches()) {
          current.members.add(
              new Member(
                  function.group(1),
                  Long.parseLong(function.group(2)),
                  Long.parseLong(function.group(3))));
        } else if (member.matches() && !line.contains("(")) {
          current.members.add(
              new Member(
                  member.group(1),
                  Long.parseLong(member.group(3)),
                  Long.parseLong(member.group(4))));
        }
      }
    }
    return shapes;
  }
}
