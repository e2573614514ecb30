package org.lucos.bridge.qemu;

/** Makes packets that {@link RspDecoder} takes apart. */
public final class RspEncoder {
  private RspEncoder() {}

  /**
   * A payload as a packet.
   *
   * @param payload one char a byte
   */
  public static String packet(String payload) {
    StringBuilder text = new StringBuilder();
    append(text, payload);
    return text.toString();
  }

  /** Appends the packet to {@code text}. */
  static void append(StringBuilder text, String payload) {
    int sum = 0;
    text.append('$');
    for (int i = 0; i < payload.length(); i++) {
      char c = payload.charAt(i);
      if (c == '$' || c == '#' || c == '}' || c == '*') {
        text.append('}');
        sum += '}';
        c = (char) (c ^ 0x20);
      }
      text.append(c);
      sum += c;
    }
    text.append('#');
    text.append(Character.forDigit((sum >> 4) & 15, 16)).append(Character.forDigit(sum & 15, 16));
  }
}
