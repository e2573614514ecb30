package org.lucos.bench.guest;

/** A guest with a root shell, for as long as it lives. */
public interface LiveGuest extends AutoCloseable {
  /** The libvirt domain's name. */
  String name();

  /**
   * Runs a shell command as root and returns what it wrote to standard output.
   *
   * @throws GuestLostException if it fails or does not end in time
   */
  String run(String command);

  /** Ends the guest, if it was booted for this. */
  @Override
  void close();
}
