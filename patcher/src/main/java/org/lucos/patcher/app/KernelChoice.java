package org.lucos.patcher.app;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.KernelIdentity;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Which kernels a patch is to be built for. */
final class KernelChoice {
  /** A release begins with two numbers; a guest may be called anything else. */
  private static final Pattern RELEASE = Pattern.compile("\\d+\\.\\d+[.0-9]*([-+~].*)?");

  private final Settings settings;
  private final Map<String, Wanted> wanted = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();

  /**
   * A kernel to build for.
   *
   * @param release as {@code uname -r} prints it
   * @param buildId of the one that runs, where a guest was asked
   */
  record Wanted(String release, Optional<String> buildId) {}

  private KernelChoice(Settings settings) {
    this.settings = settings;
  }

  /**
   * Looks at guests where these are named, or all are wanted.
   *
   * @param notes gets what is to be known, such as guests that cannot be read
   * @throws RefusedException if a named guest cannot be read, or none of all
   */
  static List<Wanted> of(BuildPatch.Kernels kernels, Settings settings, List<String> notes) {
    KernelChoice choice = new KernelChoice(settings);
    kernels.named().forEach(choice::addNamed);
    if (kernels.allGuests()) {
      choice.addGuests();
    }
    notes.addAll(choice.notes);
    return List.copyOf(choice.wanted.values());
  }

  private void addNamed(String name) {
    if (RELEASE.matcher(name).matches()) {
      wanted.putIfAbsent(name, new Wanted(name, Optional.empty()));
      return;
    }
    try (GuestSession session = GuestSession.reading(settings, name)) {
      add(session.kernel().identity(), name);
    }
  }

  private void addGuests() {
    List<DomainIdentity> guests;
    try (GuestHost hypervisor = settings.connect()) {
      guests = hypervisor.running();
    }
    for (DomainIdentity guest : guests) {
      try (GuestSession session = GuestSession.reading(settings, guest.uuid().toString())) {
        add(session.kernel().identity(), guest.name());
      } catch (DomainRefusedException | RefusedException | MalformedDataException e) {
        notes.add("guest '" + guest.name() + "' is left out: " + e.getMessage());
      }
    }
    if (wanted.isEmpty()) {
      throw new RefusedException(
          new GuestRefusal.NoGuests(
              notes.isEmpty() ? "none is running" : String.join("; ", notes)));
    }
  }

  /** Two builds of one release cannot both be had: packages give the newest of them. */
  private void add(KernelIdentity kernel, String guest) {
    Wanted known = wanted.get(kernel.release());
    if (known != null && !known.buildId().map(kernel.buildId()::equals).orElse(true)) {
      notes.add(
          "guest '"
              + guest
              + "' runs another build of "
              + kernel.release()
              + " (build-id "
              + kernel.buildId()
              + "): there is no variant for it");
      return;
    }
    wanted.put(kernel.release(), new Wanted(kernel.release(), Optional.of(kernel.buildId())));
  }
}
