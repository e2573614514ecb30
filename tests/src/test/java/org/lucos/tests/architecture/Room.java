package org.lucos.tests.architecture;

import com.google.common.collect.ImmutableList;
import java.util.EnumSet;
import java.util.Set;

/**
 * The rooms of the project and what each may use: the rooms it names, and what these may use in
 * turn. A room that is not here has no place in the project until it is entered.
 */
enum Room {
  // bridge: virtual machines and x86-64
  ADDR("org.lucos.bridge.addr"),
  MEMORY("org.lucos.bridge.memory", ADDR),
  MMU("org.lucos.bridge.mmu", MEMORY),
  VCPU("org.lucos.bridge.vcpu", ADDR),
  DOMAIN("org.lucos.bridge.domain", MEMORY, VCPU),
  JNA("org.lucos.bridge.jna"),
  WATCHDOG("org.lucos.bridge.watchdog"),
  WIRE("org.lucos.bridge.wire", DOMAIN),
  QEMU("org.lucos.bridge.qemu", DOMAIN, WATCHDOG, JNA, WIRE),
  LIBVIRT("org.lucos.bridge.libvirt", DOMAIN, QEMU, JNA),
  XEN("org.lucos.bridge.xen", DOMAIN, MMU, WATCHDOG, JNA, WIRE),
  HOST("org.lucos.bridge.host", LIBVIRT, XEN),

  // patcher: Linux
  BYTES("org.lucos.patcher.bytes"),
  REFUSAL("org.lucos.patcher.refusal", DOMAIN),
  ELF("org.lucos.patcher.elf", BYTES),
  BTF("org.lucos.patcher.btf", BYTES),
  INSN("org.lucos.patcher.insn", BYTES),
  TRUST("org.lucos.patcher.trust", BYTES),
  BUILD("org.lucos.patcher.build", ELF, BTF, INSN, TRUST),
  KERNEL("org.lucos.patcher.kernel", BTF, MMU, DOMAIN, REFUSAL),
  AGENT("org.lucos.patcher.agent", BYTES, DOMAIN),
  CONSISTENCY("org.lucos.patcher.consistency", KERNEL),
  GUESTCALL("org.lucos.patcher.guestcall", KERNEL, CONSISTENCY),
  LINK("org.lucos.patcher.link", BUILD, ELF, INSN, KERNEL),
  PLAN("org.lucos.patcher.plan", LINK, INSN, KERNEL),
  TRANSACTION("org.lucos.patcher.transaction", PLAN, CONSISTENCY, GUESTCALL),
  HEALTH("org.lucos.patcher.health", KERNEL, CONSISTENCY),
  APP("org.lucos.patcher.app", BUILD, TRANSACTION, HEALTH, AGENT, HOST),
  CLI("org.lucos.patcher.cli"),
  HOOK("org.lucos.patcher.hook"),

  // bench: measurements
  BENCH_GUEST("org.lucos.bench.guest", BUILD),
  CORPUS("org.lucos.bench.corpus", APP, BENCH_GUEST),
  REPORT("org.lucos.bench.report", CORPUS),
  HARNESS("org.lucos.bench.harness", APP),
  MICRO("org.lucos.bench.micro", HARNESS),
  SCENARIO("org.lucos.bench.scenario", HARNESS, BENCH_GUEST, REPORT, MICRO),
  BENCH_CLI("org.lucos.bench.cli", SCENARIO);

  private final String root;
  private final ImmutableList<Room> uses;

  Room(String root, Room... uses) {
    this.root = root;
    this.uses = ImmutableList.copyOf(uses);
  }

  /** The packages of the room, as ArchUnit writes them. */
  String packages() {
    return root + "..";
  }

  /** Whether a package belongs to the room. */
  boolean holds(String packageName) {
    return packageName.equals(root) || packageName.startsWith(root + ".");
  }

  /** The rooms whose types this one may name, itself included. */
  Set<Room> mayUse() {
    Set<Room> result = EnumSet.of(this);
    switch (this) {
      // what users see knows use cases and refusals, and nothing below them
      case CLI, HOOK -> result.addAll(Set.of(APP, REFUSAL));
      // the toolchain's room sees no guest: refusals speak of domains, it does not
      case BUILD -> result.addAll(Set.of(ELF, BTF, INSN, BYTES, TRUST, REFUSAL));
      default -> {
        uses.forEach(used -> result.addAll(used.mayUse()));
        // native mappings are for the backends alone
        if (!EnumSet.of(JNA, QEMU, LIBVIRT, XEN).contains(this)) {
          result.remove(JNA);
        }
        if (root.startsWith("org.lucos.patcher") && this != BYTES) {
          result.add(REFUSAL);
        }
      }
    }
    return result;
  }

  /** The same, as ArchUnit writes packages. */
  String[] mayUsePackages() {
    return mayUse().stream().map(Room::packages).toArray(String[]::new);
  }
}
