package org.lucos.bridge.domain;

import java.io.IOException;
import java.time.Duration;

/**
 * The host's end of a wire into the guest, such as a virtio-serial port. What comes out of it was
 * written by the guest. Whether anybody is at the other end is not known until somebody answers.
 */
public interface GuestChannel extends AutoCloseable {

  /**
   * Sends all of {@code bytes}.
   *
   * @throws IOException if they are not taken within {@code limit}, or the wire is gone; a part may
   *     have been sent
   */
  void send(byte[] bytes, Duration limit) throws IOException;

  /**
   * Waits for bytes of the guest.
   *
   * @return how many there are now at the beginning of {@code into}; 0 if none came in time
   * @throws IOException if the wire is gone
   */
  int receive(byte[] into, Duration limit) throws IOException;

  @Override
  void close();
}
