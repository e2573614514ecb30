package org.lucos.patcher.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** The bundles of one operation, in the order to apply them in. */
final class BundleOrder {
  private BundleOrder() {}

  /** Reads the bundles, if the operator's keys allow it; a patch may be there once. */
  static List<CheckedBundle> read(ApplyPatch.Request request, Settings settings) {
    List<CheckedBundle> bundles = new ArrayList<>();
    Set<String> names = new TreeSet<>();
    for (Path file : request.bundles()) {
      CheckedBundle bundle = CheckedBundle.read(file, settings, request.allowUnsigned());
      if (!names.add(bundle.name())) {
        throw new RefusedException(
            new InputRefusal.BadBundle(
                file.toString(), "patch '" + bundle.name() + "' is given twice"));
      }
      bundles.add(bundle);
    }
    return requiredFirst(bundles);
  }

  /** Each behind those of them that it requires, else as they were given. */
  private static List<CheckedBundle> requiredFirst(List<CheckedBundle> bundles) {
    List<CheckedBundle> rest = new ArrayList<>(bundles);
    List<CheckedBundle> order = new ArrayList<>();
    while (!rest.isEmpty()) {
      CheckedBundle next =
          rest.stream()
              .filter(bundle -> rest.stream().noneMatch(other -> requires(bundle, other)))
              .findFirst()
              .orElse(rest.get(0)); // they require each other
      rest.remove(next);
      order.add(next);
    }
    return order;
  }

  private static boolean requires(CheckedBundle bundle, CheckedBundle other) {
    return !bundle.name().equals(other.name()) && bundle.requires().contains(other.name());
  }
}
