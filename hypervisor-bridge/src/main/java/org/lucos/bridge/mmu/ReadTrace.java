package org.lucos.bridge.mmu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lucos.bridge.memory.GuestMemory;

/** What has been read, byte for byte, and where the pages of it were. */
final class ReadTrace {
  /** Bounds the trace of a work that sweeps over memory: such is not worth to be kept. */
  private static final int MOST_BYTES = 1 << 16;

  private final Map<Long, Long> frames = new HashMap<>();
  private final List<GuestMemory.Slice> slices = new ArrayList<>();
  private byte[] then = new byte[1 << 10];
  private byte[] now = new byte[0];
  private int bytes;
  private boolean complete = true;

  /** A page of which something was read or that was asked for. */
  void frame(long page, long frame) {
    Long before = frames.putIfAbsent(page, frame);
    complete &= before == null || before == frame;
  }

  /** Bytes that were read. */
  void slice(GuestMemory.Slice slice) {
    if (bytes + slice.length() > MOST_BYTES) {
      complete = false;
    }
    if (!complete) {
      return;
    }
    if (bytes + slice.length() > then.length) {
      then = Arrays.copyOf(then, 2 * (bytes + slice.length()));
    }
    System.arraycopy(slice.into(), slice.offset(), then, bytes, slice.length());
    slices.add(new GuestMemory.Slice(slice.at(), then, bytes, slice.length()));
    bytes += slice.length();
  }

  /** Something could not be read: that it cannot be read again is not looked for. */
  void fault() {
    complete = false;
  }

  /** No more is added; prepares the other reading. */
  void end() {
    then = Arrays.copyOf(then, bytes);
    now = new byte[bytes];
    slices.replaceAll(old -> new GuestMemory.Slice(old.at(), now, old.offset(), old.length()));
  }

  boolean isComplete() {
    return complete;
  }

  Map<Long, Long> frames() {
    return frames;
  }

  /** To be filled again. */
  List<GuestMemory.Slice> slices() {
    return slices;
  }

  /** Whether what {@link #slices} were filled with is what was there. */
  boolean isSame() {
    return Arrays.equals(then, now);
  }
}
