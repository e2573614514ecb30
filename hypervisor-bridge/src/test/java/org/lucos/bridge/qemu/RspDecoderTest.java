package org.lucos.bridge.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RspDecoderTest {

  private static List<RspDecoder.Event> decode(String stream, int pieceSize) {
    RspDecoder decoder = new RspDecoder();
    byte[] bytes = stream.getBytes(StandardCharsets.ISO_8859_1);
    List<RspDecoder.Event> events = new ArrayList<>();
    for (int at = 0; at < bytes.length; at += pieceSize) {
      ByteBuffer piece = ByteBuffer.wrap(bytes, at, Math.min(pieceSize, bytes.length - at));
      Optional<RspDecoder.Event> event = decoder.next(piece);
      while (event.isPresent()) {
        events.add(event.get());
        event = decoder.next(piece);
      }
      assertThat(piece.hasRemaining()).isFalse();
    }
    return events;
  }

  private static String framed(String raw) {
    int sum = raw.chars().sum() & 0xff;
    return "$" + raw + "#" + Character.forDigit(sum >> 4, 16) + Character.forDigit(sum & 15, 16);
  }

  @Test
  void packetIsTheSameInWhateverPiecesItArrives() {
    String stream = "+" + framed("T02thread:01;") + "-" + framed("OK") + framed("");
    for (int size = 1; size <= stream.length(); size++) {
      assertThat(decode(stream, size))
          .containsExactly(
              new RspDecoder.Acknowledged(),
              new RspDecoder.Packet("T02thread:01;"),
              new RspDecoder.ResendWanted(),
              new RspDecoder.Packet("OK"),
              new RspDecoder.Packet(""));
    }
  }

  @Test
  void escapesAndRunLengthsAreExpanded() {
    assertThat(decode(framed("a}\u0003}\u0004b"), 3))
        .containsExactly(new RspDecoder.Packet("a#$b"));
    assertThat(decode(framed("0* 1"), 2)).containsExactly(new RspDecoder.Packet("00001"));
  }

  @Test
  void checksumThatDoesNotFitIsDamage() {
    assertThat(decode("$OK#9b", 6)).containsExactly(new RspDecoder.Damaged("wrong checksum"));
    assertThat(decode("$OK#9x", 6))
        .containsExactly(new RspDecoder.Damaged("checksum is not hexadecimal"));
  }

  @Test
  void runLengthOfNothingIsDamage() {
    assertThat(decode(framed("* 1"), 4)).containsExactly(new RspDecoder.Damaged("bad run length"));
  }

  @Test
  void noiseBetweenPacketsIsPassedOver() {
    assertThat(decode("xyz\n" + framed("OK") + "#00", 5))
        .containsExactly(new RspDecoder.Packet("OK"));
  }

  @Test
  void packetBegunAnewReplacesTheTornOne() {
    assertThat(decode("$abc" + framed("OK"), 4)).containsExactly(new RspDecoder.Packet("OK"));
  }

  @Test
  void lengthIsBounded() {
    StringBuilder raw = new StringBuilder("0");
    for (int i = 0; i * 90 < RspDecoder.LONGEST_PACKET + 1000; i++) {
      raw.append("*~"); // 97 more
    }
    assertThat(decode(framed(raw.toString()), 4096))
        .containsExactly(new RspDecoder.Damaged("packet too long"));
  }

  @Test
  void encodedPacketsComeBackAsTheyWere() {
    Random random = new Random(1);
    for (int round = 0; round < 500; round++) {
      StringBuilder payload = new StringBuilder();
      for (int i = random.nextInt(60); i > 0; i--) {
        payload.append((char) random.nextInt(256));
      }
      assertThat(decode(RspEncoder.packet(payload.toString()), 1 + random.nextInt(20)))
          .containsExactly(new RspDecoder.Packet(payload.toString()));
    }
  }

  @Test
  void anyBytesAreDecodedWithoutHarm() {
    Random random = new Random(2);
    String alphabet = "$#}*+-0aT";
    for (int round = 0; round < 2000; round++) {
      StringBuilder stream = new StringBuilder();
      for (int i = random.nextInt(200); i > 0; i--) {
        stream.append(
            random.nextInt(4) == 0
                ? (char) random.nextInt(256)
                : alphabet.charAt(random.nextInt(alphabet.length())));
      }
      assertThat(decode(stream.toString(), 1 + random.nextInt(50))).isNotNull();
    }
  }
}
