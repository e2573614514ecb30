package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The functions a change is about, as pieces of the patched object.
 *
 * @param changed with other code than before, and those that form a unit with one; they are
 *     replaced by a redirect. Parts split off them are among these
 * @param carried with other code than before and no place for a redirect: all their callers are
 *     changed, and call the copy in the image
 * @param added that the original does not have
 * @param bootCode names of boot code that would be other than it was, had it not run
 * @param newExports what only the patched object exports
 */
record Changes(
    Set<Piece> changed,
    Set<Piece> carried,
    Set<Piece> added,
    Set<String> bootCode,
    Set<String> newExports) {
  Changes {
    changed = ImmutableSet.copyOf(changed);
    carried = ImmutableSet.copyOf(carried);
    added = ImmutableSet.copyOf(added);
    bootCode = ImmutableSet.copyOf(bootCode);
    newExports = ImmutableSet.copyOf(newExports);
  }

  /** What has no effect, in words. */
  List<String> leftOut() {
    List<String> all = new ArrayList<>();
    bootCode.forEach(name -> all.add("boot code " + name));
    newExports.forEach(name -> all.add("export of " + name));
    return all;
  }

  /** Whether its new code is in the image. */
  boolean includes(Piece function) {
    return changed.contains(function) || isNew(function);
  }

  /** Whether the old code, if there is any, is not redirected to the new one. */
  boolean isNew(Piece function) {
    return carried.contains(function) || added.contains(function);
  }

  /** Whether it is the unlikely part of a function: never called, only jumped to. */
  static boolean isCold(Piece piece) {
    return Names.coldParent(piece.name()).isPresent();
  }

  static Optional<String> parentName(Piece piece) {
    return Names.coldParent(piece.name()).or(() -> Names.partParent(piece.name()));
  }
}
