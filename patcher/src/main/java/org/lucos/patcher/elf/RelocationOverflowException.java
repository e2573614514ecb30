package org.lucos.patcher.elf;

/** A relocated value that does not fit its field: the target is too far away. */
public final class RelocationOverflowException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RelocationOverflowException(RelocationType type, long symbol, long addend, long place) {
    super(
        String.format(
            "relocation overflows: type=%s, symbol=0x%x, addend=%d, place=0x%x",
            type, symbol, addend, place));
  }
}
