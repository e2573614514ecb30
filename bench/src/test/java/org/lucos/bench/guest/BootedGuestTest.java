package org.lucos.bench.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With scripts in the place of those of {@code vm-images} that only write down what they do. */
class BootedGuestTest {
  @TempDir private Path scripts;

  @BeforeEach
  void writeScripts() throws IOException {
    script("boot.sh", "[ \"$1\" = --destroy ] && word=destroyed || word=booted");
    script("run.sh", "word=asked; [ ! -e \"$here/mute\" ] || { rm \"$here/mute\"; exit 1; }");
  }

  private void script(String name, String what) throws IOException {
    Path file = scripts.resolve(name);
    Files.writeString(
        file,
        "#!/bin/sh\nhere=${0%/*}\n"
            + what
            + "\necho $word >>\"$here/log\"\n[ ! -e \"$here/no\" ]\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private BootedGuest boot() {
    return BootedGuest.boot(scripts, "lucos-x", List.of(), 1, List.of(), List.of(), scripts);
  }

  private List<String> log() throws IOException {
    return Files.readAllLines(scripts.resolve("log"));
  }

  @Test
  void guestThatAnswersIsBootedOnce() throws IOException {
    boot();
    assertThat(log()).containsExactly("destroyed", "booted", "asked");
  }

  @Test
  void guestThatHangsInItsBootIsBootedOnceMore() throws IOException {
    Files.createFile(scripts.resolve("mute"));
    boot();
    assertThat(log()).containsExactly("destroyed", "booted", "destroyed", "booted", "asked");
  }

  @Test
  void guestThatCannotBeBootedIsNotTriedAgain() throws IOException {
    Files.createFile(scripts.resolve("no"));
    assertThatThrownBy(this::boot).isInstanceOf(GuestLostException.class);
    assertThat(log()).containsExactly("destroyed", "booted", "destroyed");
  }
}
