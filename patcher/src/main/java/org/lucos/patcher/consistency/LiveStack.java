package org.lucos.patcher.consistency;

import java.util.ArrayList;
import java.util.List;

/**
 * The words of a stack that are in use, from the stack pointer up; for a vCPU in an interrupt or
 * exception the words of several stacks, in the order a backtrace passes them.
 */
final class LiveStack {

  /**
   * One run of words.
   *
   * @param start the address of the first, which is the stack pointer
   * @param words backing array, shared by many stacks
   * @param from index of the first word
   * @param count how many; 0 for an empty stack
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Span(long start, long[] words, int from, int count) {

    long end() {
      return start + 8L * count;
    }

    /** The index of a word among this span's, -1 if it is not one of them. */
    private int index(long address) {
      long distance = address - start;
      return (distance & 7) == 0 && Long.compareUnsigned(distance, 8L * count) < 0
          ? (int) (distance >> 3)
          : -1;
    }
  }

  private final List<Span> spans;

  LiveStack(List<Span> spans) {
    this.spans = new ArrayList<>(spans);
  }

  List<Span> spans() {
    return spans;
  }

  /** Which span holds the word at {@code address}, counted from the innermost; -1 if none does. */
  int spanOf(long address) {
    for (int i = 0; i < spans.size(); i++) {
      if (spans.get(i).index(address) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** Whether {@code bytes} from {@code address} on lie in one span. */
  boolean holds(long address, long bytes) {
    int span = spanOf(address);
    return span >= 0 && spans.get(span).end() - address >= bytes;
  }

  /** The word at {@code address}, which must be held. */
  long word(long address) {
    for (Span span : spans) {
      int index = span.index(address);
      if (index >= 0) {
        return span.words[span.from + index];
      }
    }
    throw new IllegalArgumentException("not on the stack: 0x" + Long.toHexString(address));
  }

  /** How far an address lies below the end of the outermost span; negative if it lies beyond. */
  long distanceToTop(long address) {
    return spans.isEmpty() ? 0 : spans.get(spans.size() - 1).end() - address;
  }
}
