package org.lucos.patcher.plan;

import java.util.Arrays;
import java.util.HexFormat;
import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * Bytes of the running kernel to be replaced.
 *
 * @param at the first byte
 * @param expected what must be there; otherwise nothing is written
 * @param replacement what is written; as long as {@code expected}
 */
@SuppressWarnings("ArrayRecordComponent")
public record TextEdit(GuestVirtualAddress at, byte[] expected, byte[] replacement) {
  /** Bytes of a redirect: {@code jmp rel32}. */
  public static final int REDIRECT_SIZE = 5;

  private static final byte JMP_REL32 = (byte) 0xe9;

  /** Refuses an edit that would change the length. */
  public TextEdit {
    if (expected.length != replacement.length) {
      throw new IllegalArgumentException(
          "edit changes the length: at="
              + at
              + ", expected="
              + expected.length
              + ", replacement="
              + replacement.length);
    }
  }

  /**
   * The edit that makes {@code site} jump to {@code target}.
   *
   * @param original the bytes at the site, {@value #REDIRECT_SIZE} of them
   * @throws IllegalArgumentException if the target is out of the jump's reach of 2 GiB
   */
  public static TextEdit redirect(
      GuestVirtualAddress site, byte[] original, GuestVirtualAddress target) {
    long distance = target.minus(site) - REDIRECT_SIZE;
    if (distance != (int) distance) {
      throw new IllegalArgumentException("jump out of reach: site=" + site + ", target=" + target);
    }
    byte[] jump = new byte[REDIRECT_SIZE];
    jump[0] = JMP_REL32;
    for (int i = 0; i < 4; i++) {
      jump[1 + i] = (byte) (distance >> (8 * i));
    }
    return new TextEdit(site, original.clone(), jump);
  }

  /** The edit that undoes this one. */
  public TextEdit reversed() {
    return new TextEdit(at, replacement, expected);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TextEdit edit
        && at.equals(edit.at)
        && Arrays.equals(expected, edit.expected)
        && Arrays.equals(replacement, edit.replacement);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * at.hashCode() + Arrays.hashCode(expected)) + Arrays.hashCode(replacement);
  }

  @Override
  public String toString() {
    HexFormat hex = HexFormat.of();
    return at + ": " + hex.formatHex(expected) + " -> " + hex.formatHex(replacement);
  }
}
