package org.lucos.tests.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.kernel.ModuleAbi;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.StaticSites;
import org.lucos.patcher.kernel.StaticSites.Kind;
import org.lucos.patcher.kernel.StaticSites.Site;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

class SitesAndLoaderTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"cloud-amd64, 6.1", "cloud-amd64, 6.12", "amd64, 6.1"})
  void tablesKprobesAndModuleAbiAreThoseOfTheGuest(String flavour, String series)
      throws IOException {
    GuestSpec spec = GuestSpec.of(flavour, series).withVcpus(2).withModule("tun");
    try (AttachedGuest attached = AttachedGuest.boot(spec, folder)) {
      sitesLieOnSuchInstructions(attached.kernel());
      kprobesAreThoseThatTheGuestLists(attached);
      moduleAbiIsThatOfItsOwnModules(attached);
      assertThat(attached.kernel().loaderPolicy().objection()).isEmpty();
      attached.guest().run("echo 1 >/proc/sys/kernel/modules_disabled");
      assertThat(attached.kernel().loaderPolicy().objection().orElseThrow())
          .contains("modules_disabled");
      attached.guest().assertNoKernelWarnings();
    }
  }

  private static void sitesLieOnSuchInstructions(RunningKernel kernel) {
    StaticSites sites = kernel.staticSites();
    List<Site> inText = sites.touching(kernel.text());
    for (Site site : inText) {
      int first = kernel.memory().u8(site.range().start());
      switch (site.kind()) {
        // jmp rel32, jmp rel8, NOPs of five and two bytes
        case JUMP_LABEL -> assertThat(first).as("%s", site).isIn(0xe9, 0xeb, 0x0f, 0x66);
        // call, jmp, a NOP or "xor eax, eax" with prefixes, jcc, ret and int3
        case STATIC_CALL ->
            assertThat(first).as("%s", site).isIn(0xe8, 0xe9, 0x0f, 0x2e, 0x66, 0xc3);
        case BUG -> assertThat(first).as("%s", site).isEqualTo(0x0f);
        default -> assertThat(kernel.text().contains(site.range().start())).isTrue();
      }
    }
    for (Kind kind : Kind.values()) {
      assertThat(inText).filteredOn(site -> site.kind() == kind).hasSizeGreaterThan(100);
    }
    KernelSymbol function = kernel.symbols().find("tcp_rcv_established").orElseThrow();
    AddressRange range = kernel.symbols().range(function);
    Site label =
        sites.touching(range).stream()
            .filter(site -> site.kind() == Kind.JUMP_LABEL)
            .findFirst()
            .orElseThrow();
    // a site counts from its first byte to its last, and no further
    assertThat(sites.touching(new AddressRange(label.range().end().plus(-1), 1))).contains(label);
    assertThat(sites.touching(new AddressRange(label.range().end(), 1))).doesNotContain(label);
    assertThat(sites.touching(new AddressRange(label.range().start().plus(-1), 1)))
        .doesNotContain(label);
  }

  private static void kprobesAreThoseThatTheGuestLists(AttachedGuest attached) {
    TestGuest guest = attached.guest();
    RunningKernel kernel = attached.kernel();
    assertThat(kernel.kprobes().all()).isEmpty();
    guest.run(
        "cd /sys/kernel/tracing && echo 'p:entry do_sys_openat2' >>kprobe_events"
            + " && echo 'r:back vfs_statx' >>kprobe_events"
            // no ftrace slot there: it changes the text
            + " && echo 'p:plain crc32_le_base' >>kprobe_events 2>/dev/null"
            + " || echo 'p:plain __memcpy' >>kprobe_events;"
            + " echo 1 >events/kprobes/enable; sleep 1");
    Set<String> inside =
        guest
            .run("echo 0 >/proc/sys/kernel/kptr_restrict; cat /sys/kernel/debug/kprobes/list")
            .lines()
            .map(line -> line.split(" ", 2)[0] + (line.contains("[FTRACE]") ? " ftrace" : ""))
            .collect(Collectors.toCollection(TreeSet::new));

    List<Kprobe> outside = kernel.kprobes().all();

    assertThat(outside.stream().map(SitesAndLoaderTest::line).collect(Collectors.toSet()))
        .isEqualTo(inside)
        .hasSizeGreaterThanOrEqualTo(2);
    KernelSymbol probed = kernel.symbols().find("do_sys_openat2").orElseThrow();
    assertThat(kernel.kprobes().touching(kernel.symbols().range(probed))).hasSize(1);
    guest.run("cd /sys/kernel/tracing && echo 0 >events/kprobes/enable && echo >kprobe_events");
    assertThat(kernel.kprobes().all()).isEmpty();
  }

  private static String line(Kprobe probe) {
    return String.format("%016x%s", probe.address().value(), probe.onFtrace() ? " ftrace" : "");
  }

  private void moduleAbiIsThatOfItsOwnModules(AttachedGuest attached) throws IOException {
    TestGuest guest = attached.guest();
    Path module = folder.resolve("tun.ko");
    Files.write(module, guest.read(guest.run("find /lib/modules -name tun.ko")));
    ModuleAbi abi = attached.kernel().moduleAbi();

    assertThat(abi.vermagic()).isEqualTo(host("modinfo", "-F", "vermagic", module.toString()));
    List<String> versions =
        host("modprobe", "--dump-modversions", module.toString()).lines().toList();
    assertThat(versions).hasSizeGreaterThan(50);
    for (String version : versions) {
      String[] parts = version.split("\t", 2);
      long crc = abi.crc(parts[1]).orElse(-1);
      assertThat(crc).as(parts[1]).isEqualTo(Long.decode(parts[0]));
    }
    assertThat(abi.moduleLayoutCrc()).isPresent();
    assertThat(abi.crc("no_such_symbol")).isEmpty();
    String section = host("readelf", "-SW", module.toString());
    assertThat(section)
        .containsPattern(
            "this_module +PROGBITS +0+ [0-9a-f]+ " + String.format("%06x", abi.structModuleSize()));
  }

  @Test
  void aGuestThatEnforcesSignaturesSaysSo() {
    GuestSpec spec = GuestSpec.cloud("6.1").withCommandLine("module.sig_enforce=1");
    try (AttachedGuest attached = AttachedGuest.boot(spec, folder)) {
      assertThat(attached.kernel().loaderPolicy().objection().orElseThrow())
          .contains("sig_enforce");
    }
  }

  @ParameterizedTest
  @CsvSource({"6.1", "6.12"})
  void aGuestThatIsLockedDownSaysSo(String series) {
    GuestSpec spec = GuestSpec.cloud(series).withCommandLine("lockdown=integrity");
    try (AttachedGuest attached = AttachedGuest.boot(spec, folder)) {
      assertThat(attached.kernel().loaderPolicy().objection().orElseThrow())
          .contains("locked down");
    }
  }

  private static String host(String... command) throws IOException {
    Process process = new ProcessBuilder(command).start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
        .replaceFirst("\n+\\z", "");
  }
}
