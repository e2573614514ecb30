package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.Capability;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;

/** What is written to the kernel's code is what every vCPU runs next, under every hypervisor. */
@Contract
class TextContractTest {
  private static final int ROUNDS = 6;
  private static final String FUNCTION = "__x64_sys_sched_get_priority_max";

  /** What Linux answers for SCHED_FIFO, and what the code written here does. */
  private static final String ORIGINAL = "99";

  private static final String REPLACED = "4242";

  /** {@code mov $4242, %eax; ret}. */
  private static final byte[] CODE = HexFormat.of().parseHex("b892100000c3");

  private static final byte[] ENDBR64 = HexFormat.of().parseHex("f30f1efa");
  private static final int FTRACE_SLOT = 5;

  private final GuestHost host = Place.current().open();

  @AfterEach
  void disconnect() {
    host.close();
  }

  @Test
  void codeWrittenInAPauseIsRunNextByTheOnlyVcpu(@Guest TestGuest guest) {
    writeAndWatch(guest, true);
  }

  @Test
  @Tag(Contract.CORE)
  void codeWrittenInAPauseIsRunNextByEachVcpu(@Guest(vcpus = 2) TestGuest guest) {
    writeAndWatch(guest, true);
  }

  @Test
  void codeWrittenPastTheHypervisorIsRunNextWhereItSaysSo(@Guest(vcpus = 2) TestGuest guest) {
    try (GuestDomain domain = host.attach(guest.name())) {
      assertThat(domain.facts().can(Capability.DIRECT_TEXT_WRITES))
          .isEqualTo(!domain.facts().accelerator().equals("tcg"));
      if (!domain.facts().can(Capability.DIRECT_TEXT_WRITES)) {
        return; // then it may be run or not: nothing is promised
      }
    }
    writeAndWatch(guest, false);
  }

  private void writeAndWatch(TestGuest guest, boolean throughTheHypervisor) {
    guest.run("syscall_load 2 3600 >/dev/null 2>&1 & echo $! >/tmp/load.pid");
    try (GuestDomain domain = host.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      GuestVirtualAddress function = LinuxView.kallsyms(guest, FUNCTION);
      byte[] start = linux.memory().bytes(function, 4);
      int before = FTRACE_SLOT + (Arrays.equals(start, ENDBR64) ? ENDBR64.length : 0);
      GuestPhysicalAddress site = linux.memory().physical(function.plus(before));
      byte[] original = new byte[CODE.length];
      domain.memory().read(site, original, 0, original.length);
      for (int round = 0; round < ROUNDS; round++) {
        assertAnswers(guest, ORIGINAL);
        write(domain, site, original, CODE, throughTheHypervisor);
        assertAnswers(guest, REPLACED);
        write(domain, site, CODE, original, throughTheHypervisor);
      }
      assertAnswers(guest, ORIGINAL);
    } finally {
      guest.run("kill $(cat /tmp/load.pid)");
    }
    guest.assertNoKernelWarnings();
  }

  private static void write(
      GuestDomain domain,
      GuestPhysicalAddress at,
      byte[] before,
      byte[] after,
      boolean throughTheHypervisor) {
    try (PausedGuest held = domain.pause("code")) {
      if (throughTheHypervisor) {
        held.write(at, before, after);
        held.commit();
      } else {
        domain.writeUnreachable(at, after);
      }
    }
  }

  /** Asks on each vCPU, so that each has run the code before it is changed, and runs it after. */
  private static void assertAnswers(TestGuest guest, String answer) {
    String all =
        guest.run(
            "for cpu in $(seq 0 $(($(nproc) - 1))); do taskset -c $cpu patch_probe priority 1; done");
    assertThat(all.lines())
        .hasSize(guest.spec().machine().vcpus())
        .allSatisfy(line -> assertThat(line).isEqualTo(answer));
  }
}
