package org.lucos.tests.guest;

import java.time.Duration;
import org.lucos.bridge.domain.GuestHost;

/**
 * Where tests have their guests: a hypervisor of this machine. It is the one parameter of the tests
 * marked with {@link Contract}, and is chosen by {@code LUCOS_PLACE}.
 */
public interface Place {

  /** What the product is told to connect to. */
  String connection();

  /**
   * Connects the product to it.
   *
   * @param silenceLimit how long a guest may be held without a sign of life of its controller
   */
  GuestHost open(Duration silenceLimit);

  /**
   * A limit for {@link #open(Duration)} that is soon over, and longer than it takes to attach to a
   * guest here and look at it.
   */
  Duration shortSilence();

  /** Connects the product to it, with the limit that commands have. */
  GuestHost open();

  /** Starts a guest, with a root shell behind a socket. It ends with this process. */
  BootedDomain start(GuestSpec spec);

  /** A guest seen and handled by other means than the product's. */
  Outside outside(String guest);

  /** What the hypervisor calls itself, or how that begins. */
  String hypervisor();

  /** The accelerator that guests must have; empty if that is found by trying. */
  String accelerator();

  /** The place that the environment names; libvirt's QEMU if it names none. */
  static Place current() {
    String name = System.getenv().getOrDefault("LUCOS_PLACE", QemuPlace.NAME);
    return switch (name) {
      case QemuPlace.NAME -> new QemuPlace();
      case XenPlace.PVH -> new XenPlace("pvh");
      case XenPlace.PV -> new XenPlace("pv");
      default -> throw new GuestFailure("LUCOS_PLACE names no place for guests: " + name);
    };
  }
}
