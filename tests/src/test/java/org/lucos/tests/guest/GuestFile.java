package org.lucos.tests.guest;

import java.nio.file.Path;

/** A file of the host that the guest finds under an absolute path of its own; the mode is kept. */
public record GuestFile(Path onHost, String inGuest) {
  public GuestFile {
    if (!inGuest.startsWith("/")) {
      throw new IllegalArgumentException("not an absolute path: " + inGuest);
    }
  }
}
