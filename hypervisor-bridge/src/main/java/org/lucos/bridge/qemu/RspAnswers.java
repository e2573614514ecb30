package org.lucos.bridge.qemu;

import java.util.HexFormat;
import java.util.regex.Pattern;
import org.lucos.bridge.qemu.RspException.Kind;

/** What answers of a gdbstub mean, as in "Stop Reply Packets" of GDB's manual. */
final class RspAnswers {
  private static final Pattern STOP_REPLY = Pattern.compile("[TS][0-9a-f]{2}.*", Pattern.DOTALL);
  private static final Pattern EXIT_REPLY = Pattern.compile("[WX][0-9a-f]{2}.*", Pattern.DOTALL);

  private RspAnswers() {}

  /** Whether it tells that the guest has stopped. */
  static boolean isStop(String answer) {
    return begins(answer, 'S', 'T') && STOP_REPLY.matcher(answer).matches();
  }

  /** Nearly all answers are told apart by their first letter. */
  private static boolean begins(String answer, char one, char other) {
    return !answer.isEmpty() && (answer.charAt(0) == one || answer.charAt(0) == other);
  }

  /** Fails if it tells that the guest is no more. */
  static void refuseExit(String answer) throws RspException {
    if (begins(answer, 'W', 'X') && EXIT_REPLY.matcher(answer).matches()) {
      throw new RspException(Kind.CLOSED, "the guest has ended: " + answer);
    }
  }

  /** Fails if it is another than that all went well. */
  static void expectOk(String command, String answer) throws RspException {
    if (!answer.equals("OK")) {
      throw new RspException(
          Kind.REFUSED,
          "gdbstub refused: command="
              + command.substring(0, Math.min(40, command.length()))
              + ", answer="
              + answer);
    }
  }

  /** Bytes that were asked for. */
  static byte[] unhex(String command, String answer) throws RspException {
    try {
      return HexFormat.of().parseHex(answer);
    } catch (IllegalArgumentException e) {
      RspException refused =
          new RspException(
              Kind.REFUSED, "gdbstub refused: command=" + command + ", answer=" + answer);
      refused.initCause(e);
      throw refused;
    }
  }
}
