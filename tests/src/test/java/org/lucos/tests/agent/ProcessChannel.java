package org.lucos.tests.agent;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.lucos.bridge.domain.GuestChannel;

/** The agent as a process of this host, at its standard input and output. */
final class ProcessChannel implements GuestChannel {
  private final Process process;
  private final BlockingQueue<byte[]> coming = new ArrayBlockingQueue<>(1000);

  ProcessChannel(Path agent) throws IOException {
    process = new ProcessBuilder(List.of(agent.toString(), "--stdio")).start();
    Thread reader = new Thread(() -> read(process.getInputStream()), "agent-output");
    reader.setDaemon(true);
    reader.start();
  }

  private void read(InputStream output) {
    try {
      byte[] bytes = output.readNBytes(1);
      while (bytes.length > 0) {
        coming.put(bytes);
        bytes = new byte[Math.max(1, Math.min(4096, output.available()))];
        int count = output.read(bytes);
        bytes = java.util.Arrays.copyOf(bytes, Math.max(0, count));
      }
    } catch (IOException | InterruptedException e) {
      process.destroy(); // whoever waits is told by the end of its patience
    }
  }

  long pid() {
    return process.pid();
  }

  @Override
  public void send(byte[] bytes, Duration limit) throws IOException {
    process.getOutputStream().write(bytes);
    process.getOutputStream().flush();
  }

  @Override
  public int receive(byte[] into, Duration limit) throws IOException {
    try {
      byte[] next = coming.poll(limit.toMillis(), TimeUnit.MILLISECONDS);
      if (next == null) {
        return 0;
      }
      if (next.length > into.length) {
        throw new IOException("the reader's buffer is smaller than this test takes it to be");
      }
      System.arraycopy(next, 0, into, 0, next.length);
      return next.length;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  @Override
  public void close() {
    process.destroy();
  }
}
