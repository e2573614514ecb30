package org.lucos.patcher.kernel;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;

/** What the kernel log keeps of a message beside its text: {@code struct printk_info}. */
final class PrintkInfo {
  private static final int LARGEST = 4096;

  private final int size;
  private final Field seq;
  private final Field time;
  private final Field length;
  private final Field facility;
  private final Field level;
  private final Field caller;

  PrintkInfo(BtfTypes types) {
    StructLayout info = types.struct("printk_info");
    this.seq = info.field("seq");
    this.time = info.field("ts_nsec");
    this.length = info.field("text_len");
    this.facility = info.field("facility");
    this.level = info.field("level");
    this.caller = info.field("caller_id");
    this.size = size(info, List.of(seq, time, length, facility, level, caller));
  }

  /** The size of an element, once it is seen to hold these members. */
  static int size(StructLayout element, List<Field> members) {
    for (Field member : members) {
      long end = member.offset() + member.size();
      if (element.size() > LARGEST || end > element.size() || member.size() > Long.BYTES) {
        throw new MalformedDataException("guest BTF", 0, "absurd size of " + member.path());
      }
    }
    return (int) element.size();
  }

  /** Bytes of one. */
  int size() {
    return size;
  }

  /** The number of the message at {@code index} of an array. */
  long seq(byte[] infos, int index) {
    return seq.read(infos, index * size);
  }

  /** The number of the message whose element is at {@code at}. */
  long seq(GuestMemory memory, GuestVirtualAddress at) {
    return seq.read(memory, at);
  }

  /** Bytes of its text. */
  int length(byte[] infos, int index) {
    return (int) length.read(infos, index * size) & 0xffff;
  }

  /** The message. */
  LogRecord record(byte[] infos, int index, byte[] text) {
    int at = index * size;
    return new LogRecord(
        seq.read(infos, at),
        time.read(infos, at),
        (int) level.read(infos, at) & 7,
        (int) facility.read(infos, at),
        caller.read(infos, at),
        text(text));
  }

  private static String text(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return new String(bytes, StandardCharsets.ISO_8859_1);
    }
  }
}
