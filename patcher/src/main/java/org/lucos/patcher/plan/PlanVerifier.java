package org.lucos.patcher.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.Bytes;

/** Compares edits with what a guest's memory holds now. */
public final class PlanVerifier {
  private PlanVerifier() {}

  /** Which side of an edit memory is on. */
  public enum State {
    /** The bytes expected before it are there. */
    PENDING,
    /** The bytes it writes are there. */
    APPLIED,
    /** Neither: someone else has written. */
    DIFFERENT
  }

  /**
   * What was found at an edit.
   *
   * @param edit the edit
   * @param state which side of it memory is on
   * @param found the bytes there
   */
  public record Finding(TextEdit edit, State state, Bytes found) {
    @Override
    public String toString() {
      HexFormat hex = HexFormat.of();
      return switch (state) {
        case PENDING -> edit.at() + ": not written";
        case APPLIED -> edit.at() + ": written";
        case DIFFERENT ->
            edit.at()
                + ": expected "
                + hex.formatHex(edit.replacement())
                + " or "
                + hex.formatHex(edit.expected())
                + ", found "
                + found.toHex();
      };
    }
  }

  /**
   * Looks at every edit, in order.
   *
   * @throws org.lucos.bridge.memory.MemoryFaultException if a place is not mapped
   */
  public static List<Finding> inspect(List<TextEdit> edits, GuestMemory memory) {
    List<Finding> findings = new ArrayList<>();
    for (TextEdit edit : edits) {
      byte[] found = memory.bytes(edit.at(), edit.expected().length);
      State state = State.DIFFERENT;
      if (Arrays.equals(found, edit.replacement())) {
        state = State.APPLIED;
      } else if (Arrays.equals(found, edit.expected())) {
        state = State.PENDING;
      }
      findings.add(new Finding(edit, state, Bytes.of(found)));
    }
    return List.copyOf(findings);
  }

  /** Whether every edit is in a state. */
  public static boolean all(State state, List<TextEdit> edits, GuestMemory memory) {
    return inspect(edits, memory).stream().allMatch(finding -> finding.state() == state);
  }
}
