package org.lucos.patcher.build.diff;

import java.util.ArrayList;
import java.util.List;
import org.lucos.patcher.build.PatchVariant.CallbackKind;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * What the callback macros of {@code kernel-patches/include/lucos.h} leave in an object: a {@code
 * struct lucos_callback} each, which names the function to call and keeps how far it has got.
 */
final class CallbackSlots {
  private static final String SECTION = ".data.lucos.callbacks";

  /** Everything of ours in a patched object is in sections that begin so. */
  private static final String OWN = ".data.lucos.";

  private static final int KIND = 12;
  private static final int RUN = 16;
  private static final int FUNCTION = 24;
  private static final int SIZE = 32;

  /** One callback: its slot, what runs it, and what its author wrote. */
  record Slot(CallbackKind kind, Piece slot, Piece run, String function) {}

  private CallbackSlots() {}

  /** Whether it is a slot: reason enough to be in the image. */
  static boolean isSlot(Piece piece) {
    return piece.kind() == Piece.Kind.VARIABLE && piece.section().name().equals(SECTION);
  }

  /** Whether it is part of a callback's bookkeeping, which nothing in the kernel keeps. */
  static boolean isOwn(Piece piece) {
    return piece.section().name().startsWith(OWN);
  }

  /**
   * The slots of an object, in the order of their addresses.
   *
   * @throws MalformedDataException if one is not as the macros make it
   */
  static List<Slot> of(String object, ObjectModel model) {
    List<Slot> slots = new ArrayList<>();
    for (Piece piece : model.pieces()) {
      if (isSlot(piece)) {
        slots.add(slot(object, model, piece));
      }
    }
    return slots;
  }

  private static Slot slot(String object, ObjectModel model, Piece piece) {
    if (piece.size() != SIZE) {
      throw new MalformedDataException(object, 0, "no callback: " + piece.name());
    }
    int number = piece.bytes().at(KIND);
    CallbackKind kind =
        CallbackKind.of(number)
            .orElseThrow(
                () -> new MalformedDataException(object, KIND, "kind of callback: " + number));
    return new Slot(
        kind,
        piece,
        function(object, model, piece, RUN),
        function(object, model, piece, FUNCTION).name());
  }

  private static Piece function(String object, ObjectModel model, Piece slot, int field) {
    for (Reference reference : model.references(slot)) {
      if (reference.offset() == field
          && reference.target() instanceof Target.Inside inside
          && inside.piece().isFunction()) {
        return inside.piece();
      }
    }
    throw ChangeRules.refused(object, slot, "a callback must be a function of the same file");
  }
}
