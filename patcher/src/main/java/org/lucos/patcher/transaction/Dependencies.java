package org.lucos.patcher.transaction;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * Which patches of a guest need which others: one whose jump lies on another's, and one that was
 * built to require another by name.
 */
public final class Dependencies {
  private Dependencies() {}

  /**
   * Refuses to take patches out from under others.
   *
   * @param leaving those to be taken out
   * @param all patches in the guest
   * @param coming names of patches that take their place
   * @throws RefusedException with {@link StateRefusal.PatchDependedOn}
   */
  public static void requireFree(
      Collection<GuestPatch> leaving, Collection<GuestPatch> all, Set<String> coming) {
    for (GuestPatch patch : leaving) {
      Set<String> needing = new TreeSet<>();
      for (GuestPatch other : all) {
        boolean stays = other.isInUse() && !isIn(leaving, other);
        boolean requires =
            other.ledger().requires().contains(patch.ledger().patch())
                && !coming.contains(patch.ledger().patch());
        if (stays && (requires || patch.coveredBy().contains(other.module().name()))) {
          needing.add(other.ledger().patch());
        }
      }
      if (!needing.isEmpty()) {
        throw new RefusedException(
            new StateRefusal.PatchDependedOn(patch.ledger().patch(), List.copyOf(needing)));
      }
    }
  }

  /**
   * Refuses a patch that requires what is not there.
   *
   * @param patch its name
   * @param requires names of patches
   * @param present those that are applied and stay, or are applied together with it
   * @throws RefusedException with {@link StateRefusal.RequirementMissing}
   */
  public static void requirePresent(String patch, List<String> requires, Set<String> present) {
    List<String> missing = requires.stream().filter(name -> !present.contains(name)).toList();
    if (!missing.isEmpty()) {
      throw new RefusedException(new StateRefusal.RequirementMissing(patch, missing));
    }
  }

  /**
   * The order to take patches out in: each before those that it needs.
   *
   * @throws MalformedDataException if they need each other in a circle, which no patch of ours does
   */
  public static List<GuestPatch> topFirst(Collection<GuestPatch> patches) {
    List<GuestPatch> rest = new ArrayList<>(patches);
    List<GuestPatch> order = new ArrayList<>();
    while (!rest.isEmpty()) {
      GuestPatch free =
          rest.stream()
              .filter(patch -> rest.stream().noneMatch(other -> needs(other, patch)))
              .findFirst()
              .orElseThrow(
                  () ->
                      new MalformedDataException(
                          "ledgers of " + names(rest), 0, "each needs another of them"));
      rest.remove(free);
      order.add(free);
    }
    return order;
  }

  private static boolean needs(GuestPatch upper, GuestPatch lower) {
    return !upper.module().name().equals(lower.module().name())
        && (lower.coveredBy().contains(upper.module().name())
            || upper.ledger().requires().contains(lower.ledger().patch()));
  }

  private static boolean isIn(Collection<GuestPatch> patches, GuestPatch wanted) {
    return patches.stream().anyMatch(each -> each.module().name().equals(wanted.module().name()));
  }

  private static String names(Collection<GuestPatch> patches) {
    return patches.stream().map(patch -> patch.module().name()).collect(Collectors.joining(", "));
  }
}
