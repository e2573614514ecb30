package org.lucos.patcher.consistency;

import java.util.List;
import java.util.stream.Collectors;
import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * Where a task is, innermost frame first.
 *
 * @param frames its frames
 * @param complete whether every frame up to the entry from user mode, or to the start of the task,
 *     was found beyond doubt
 * @param end where it ended; if it is not complete, why
 */
public record Backtrace(List<Frame> frames, boolean complete, String end) {

  /**
   * One frame.
   *
   * @param address the instruction that runs next in it
   * @param symbol the function and the place in it, as the kernel prints them
   */
  public record Frame(GuestVirtualAddress address, String symbol) {
    @Override
    public String toString() {
      return symbol;
    }
  }

  /** Copies the list. */
  public Backtrace {
    frames = List.copyOf(frames);
  }

  /** The functions' names and places, innermost first, then how it ended if that was early. */
  @Override
  public String toString() {
    String text = frames.stream().map(Frame::symbol).collect(Collectors.joining(" < "));
    return complete ? text : text + " < ... (" + end + ")";
  }
}
