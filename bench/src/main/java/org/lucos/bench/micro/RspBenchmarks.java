package org.lucos.bench.micro;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.lucos.bridge.qemu.RspDecoder;
import org.lucos.bridge.qemu.RspEncoder;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Packets of a gdbstub, as large as QEMU's get: the memory of 2 KiB in hexadecimal. */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH calls the setup
public class RspBenchmarks {
  private static final int PAYLOAD = 4096;

  private String payload;
  private ByteBuffer packet;
  private RspDecoder decoder;

  /** Makes a packet. */
  @Setup
  public void make() {
    StringBuilder digits = new StringBuilder();
    new SplittableRandom(1)
        .ints(PAYLOAD, 0, 16)
        .forEach(digit -> digits.append(Character.forDigit(digit, 16)));
    payload = digits.toString();
    packet = ByteBuffer.wrap(RspEncoder.packet(payload).getBytes(StandardCharsets.ISO_8859_1));
    decoder = new RspDecoder();
  }

  /** To a packet. */
  @Benchmark
  public String encode(Work work) {
    work.bytes += PAYLOAD;
    work.items++;
    return RspEncoder.packet(payload);
  }

  /** From a packet. */
  @Benchmark
  public RspDecoder.Event decode(Work work) {
    work.bytes += PAYLOAD;
    work.items++;
    return decoder
        .next(packet.rewind())
        .filter(RspDecoder.Packet.class::isInstance)
        .orElseThrow(() -> new IllegalStateException("a packet is not decoded"));
  }
}
