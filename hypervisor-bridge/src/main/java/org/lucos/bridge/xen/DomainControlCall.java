package org.lucos.bridge.xen;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.lucos.bridge.jna.NativeCallException;
import org.lucos.bridge.jna.XenAccess;
import org.lucos.bridge.vcpu.VcpuRegisters;

/**
 * The hypercall by which domains are managed: {@code struct xen_domctl} of {@code public/domctl.h}.
 * It carries the version of its layout, which changes with most releases of Xen although what is
 * used of it here has been the same in all from 4.16 to 4.21: so the version is found by asking.
 * The tests compare the offsets with Xen's headers.
 *
 * <pre>
 *   0  u32  cmd                 8  u16  domain
 *   4  u32  interface_version  16  union of 128 octets: the command's own
 * </pre>
 */
final class DomainControlCall {
  static final int NUMBER = 36;
  static final int OPERANDS = 16;

  /** {@code struct xen_domctl} as a whole. */
  static final int SIZE = OPERANDS + 128;

  static final int PAUSE = 3;
  static final int UNPAUSE = 4;
  static final int DOMAIN_INFO = 5;
  static final int VCPU_CONTEXT = 13;
  static final int VCPU_INFO = 14;
  static final int HVM_CONTEXT_PARTIAL = 55;
  static final int PAGE_FRAME_INFO = 61;

  /** The versions whose layouts have been compared: Xen 4.16 to 4.21. */
  private static final int OLDEST_VERSION = 0x14;

  private static final int NEWEST_VERSION = 0x17;

  /** Frames that can be asked about at once. */
  static final int MOST_FRAMES = 1024;

  /** {@code XEN_DOMCTL_PFINFO_LTAB_MASK}, and what is in it where there is no usable page. */
  private static final int TYPE_SHIFT = 28;

  private static final int TYPE_MASK = 0xf;
  private static final int BROKEN = 0xd;

  /** Where data goes that a command points to, behind the structure. */
  private static final int DATA = 256;

  private static final int ENOENT = 2;
  private static final int EACCES = 13;
  private static final int ENODATA = 61;

  private final XenAccess xen;
  private final int version;

  private DomainControlCall(XenAccess xen, int version) {
    this.xen = xen;
    this.version = version;
  }

  /**
   * Finds out the version that this Xen has.
   *
   * @throws UnknownVersionException if it is none of those that are known
   * @throws NativeCallException if it says no for another reason
   */
  static DomainControlCall of(XenAccess xen) {
    for (int version = NEWEST_VERSION; version >= OLDEST_VERSION; version--) {
      DomainControlCall candidate = new DomainControlCall(xen, version);
      try {
        candidate.infoFrom(0);
        return candidate;
      } catch (NativeCallException e) {
        if (e.errno() != EACCES) { // what another version is answered with
          throw e;
        }
      }
    }
    throw new UnknownVersionException();
  }

  /** This Xen's domctl has a layout that is not known here. */
  static final class UnknownVersionException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnknownVersionException() {
      super(
          "this Xen's domctl interface is none of those known: versions="
              + OLDEST_VERSION
              + ".."
              + NEWEST_VERSION);
    }
  }

  /** The interface version in use. */
  int version() {
    return version;
  }

  /** The first domain with this number or a higher one; empty if there is none. */
  synchronized Optional<DomainInfo> infoFrom(int id) {
    begin(DOMAIN_INFO, id);
    try {
      call("domctl getdomaininfo", SIZE);
    } catch (NativeCallException e) {
      if (e.errno() == NativeCallException.ESRCH) {
        return Optional.empty();
      }
      throw e;
    }
    return Optional.of(DomainInfo.read(xen.arguments(), OPERANDS));
  }

  /** The domain with this number; empty if there is none. */
  Optional<DomainInfo> info(int id) {
    return infoFrom(id).filter(info -> info.id() == id); // Xen answers with the next one
  }

  /**
   * Stops all vCPUs and returns when they stand. Xen counts: a domain runs again when each stop has
   * been taken back.
   */
  synchronized void pause(int id) {
    begin(PAUSE, id);
    call("domctl pausedomain", SIZE);
  }

  /** Takes one stop back. */
  synchronized void unpause(int id) {
    begin(UNPAUSE, id);
    call("domctl unpausedomain", SIZE);
  }

  /**
   * The registers of a vCPU of a guest that is paused; empty if the vCPU is offline.
   *
   * @param translated whether the guest is a PVH or HVM one
   */
  synchronized Optional<VcpuRegisters> registers(int id, int vcpu, boolean translated) {
    if (!online(id, vcpu)) {
      return Optional.empty();
    }
    try {
      return Optional.of(translated ? saved(id, vcpu) : context(id, vcpu));
    } catch (NativeCallException e) {
      if (e.errno() == ENOENT || e.errno() == ENODATA) {
        return Optional.empty(); // what a vCPU is answered with that has never been started
      }
      throw e;
    }
  }

  /**
   * {@code struct xen_domctl_hvmcontext_partial}: u32 type, u32 instance, u64 size, u64 address.
   */
  private VcpuRegisters saved(int id, int vcpu) {
    ByteBuffer arguments = begin(HVM_CONTEXT_PARTIAL, id);
    arguments.putInt(OPERANDS, HvmCpuLayout.CODE);
    arguments.putInt(OPERANDS + 4, vcpu);
    arguments.putLong(OPERANDS + 8, HvmCpuLayout.SIZE);
    arguments.putLong(OPERANDS + 16, xen.address(DATA));
    call("domctl gethvmcontext_partial", DATA + HvmCpuLayout.SIZE);
    return HvmCpuLayout.read(vcpu, arguments, DATA);
  }

  /** {@code struct xen_domctl_vcpucontext}: u32 vcpu, at 8 u64 address. */
  private VcpuRegisters context(int id, int vcpu) {
    ByteBuffer arguments = begin(VCPU_CONTEXT, id);
    arguments.putInt(OPERANDS, vcpu);
    arguments.putLong(OPERANDS + 8, xen.address(DATA));
    call("domctl getvcpucontext", DATA + PvCpuLayout.SIZE);
    return PvCpuLayout.read(vcpu, arguments, DATA);
  }

  /** {@code struct xen_domctl_getvcpuinfo}: u32 vcpu, then u8 online and more. */
  private boolean online(int id, int vcpu) {
    begin(VCPU_INFO, id).putInt(OPERANDS, vcpu);
    try {
      call("domctl getvcpuinfo", SIZE);
    } catch (NativeCallException e) {
      if (e.errno() == ENOENT) {
        return false;
      }
      throw e;
    }
    return xen.arguments().get(OPERANDS + 4) != 0;
  }

  /**
   * Which frames, at most {@link #MOST_FRAMES}, are RAM of a guest. {@code struct
   * xen_domctl_getpageframeinfo3}: u64 count, u64 address of 64-bit frame numbers, which are
   * replaced by types.
   */
  synchronized boolean[] areRam(int id, long[] frames) {
    ByteBuffer arguments = begin(PAGE_FRAME_INFO, id);
    arguments.putLong(OPERANDS, frames.length);
    arguments.putLong(OPERANDS + 8, xen.address(DATA));
    for (int i = 0; i < frames.length; i++) {
      arguments.putLong(DATA + i * Long.BYTES, frames[i]);
    }
    call("domctl getpageframeinfo3", DATA + frames.length * Long.BYTES);
    boolean[] ram = new boolean[frames.length];
    for (int i = 0; i < frames.length; i++) {
      long type = arguments.getLong(DATA + i * Long.BYTES) >>> TYPE_SHIFT & TYPE_MASK;
      ram[i] = type < BROKEN; // then come those that are broken, not there, or not there yet
    }
    return ram;
  }

  private ByteBuffer begin(int command, int id) {
    ByteBuffer arguments = xen.arguments();
    for (int at = 0; at < SIZE; at += Long.BYTES) {
      arguments.putLong(at, 0);
    }
    arguments.putInt(0, command);
    arguments.putInt(4, version);
    arguments.putShort(8, (short) id);
    return arguments;
  }

  private void call(String name, int used) {
    xen.call(name, NUMBER, used);
  }
}
