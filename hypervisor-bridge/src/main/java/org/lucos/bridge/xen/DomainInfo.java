package org.lucos.bridge.xen;

import java.nio.ByteBuffer;
import java.util.UUID;
import org.lucos.bridge.domain.DomainState;

/**
 * What Xen says of a domain: {@code struct xen_domctl_getdomaininfo} of {@code public/domctl.h},
 * whose layout is the same in Xen 4.16 to 4.21 (interface versions 0x14 to 0x17).
 *
 * <pre>
 *   0  u16  domain             64  u32  nr_online_vcpus
 *   4  u32  flags              68  u32  max_vcpu_id
 *   8  u64  tot_pages          76  16 octets  handle: the UUID, as written
 *  48  u64  shared_info_frame 104  u32  arch_config.emulation_flags
 * </pre>
 *
 * @param id of this run of the domain
 * @param flags {@code XEN_DOMINF_*}
 * @param pages 4 KiB pages that the domain has now
 * @param sharedInfo the frame of the page that the guest shares with Xen
 * @param onlineVcpus how many run
 * @param lastVcpu the highest number of a vCPU; -1 if there is none
 * @param uuid given by who created it
 * @param emulation {@code XEN_X86_EMU_*}: what is emulated beside CPUs and memory
 */
record DomainInfo(
    int id,
    int flags,
    long pages,
    long sharedInfo,
    int onlineVcpus,
    int lastVcpu,
    UUID uuid,
    int emulation) {
  /** Bytes of the structure up to the last member that is read. */
  static final int SIZE = 112;

  private static final int FLAGS = 4;
  private static final int PAGES = 8;
  private static final int SHARED_INFO = 48;
  private static final int ONLINE_VCPUS = 64;
  private static final int LAST_VCPU = 68;
  private static final int HANDLE = 76;
  private static final int EMULATION = 104;

  private static final int DYING = 1;
  private static final int HVM = 1 << 1;
  private static final int SHUT_DOWN = 1 << 2;
  private static final int PAUSED = 1 << 3;
  private static final int CODE_SHIFT = 16;
  private static final int CODE_MASK = 0xff;

  /** {@code SHUTDOWN_suspend} and {@code SHUTDOWN_crash} of {@code public/sched.h}. */
  private static final int SUSPEND = 2;

  private static final int CRASH = 3;

  /** {@code XEN_X86_EMU_LAPIC}: all that a PVH guest has emulated. */
  private static final int ONLY_LAPIC = 1;

  /** Reads the structure at {@code at} of a little-endian buffer. */
  static DomainInfo read(ByteBuffer bytes, int at) {
    ByteBuffer handle = bytes.slice(at + HANDLE, 16); // a slice is big-endian, as a UUID is
    return new DomainInfo(
        Short.toUnsignedInt(bytes.getShort(at)),
        bytes.getInt(at + FLAGS),
        bytes.getLong(at + PAGES),
        bytes.getLong(at + SHARED_INFO),
        bytes.getInt(at + ONLINE_VCPUS),
        bytes.getInt(at + LAST_VCPU),
        new UUID(handle.getLong(0), handle.getLong(Long.BYTES)),
        bytes.getInt(at + EMULATION));
  }

  /** Whether the guest has page tables of its own, as PVH and HVM guests have. */
  boolean translated() {
    return has(HVM);
  }

  /** How it is virtualised: {@code pv}, {@code pvh} or {@code hvm}. */
  String kind() {
    if (!translated()) {
      return "pv";
    }
    return emulation == ONLY_LAPIC ? "pvh" : "hvm";
  }

  /** Whether somebody holds it stopped. */
  boolean paused() {
    return has(PAUSED);
  }

  /** Whether it has stopped itself to be saved or migrated. */
  boolean suspended() {
    return has(SHUT_DOWN) && code() == SUSPEND;
  }

  DomainState state() {
    if (has(DYING)) {
      return DomainState.SHUT_OFF;
    }
    if (has(SHUT_DOWN)) {
      return switch (code()) {
        case SUSPEND -> DomainState.PAUSED;
        case CRASH -> DomainState.CRASHED;
        default -> DomainState.ENDING;
      };
    }
    return paused() ? DomainState.PAUSED : DomainState.RUNNING;
  }

  private int code() {
    return flags >>> CODE_SHIFT & CODE_MASK;
  }

  private boolean has(int flag) {
    return (flags & flag) != 0;
  }
}
