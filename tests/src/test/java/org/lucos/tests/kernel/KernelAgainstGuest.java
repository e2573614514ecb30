package org.lucos.tests.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.app.ShowTasks;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.LogReading;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;
import org.lucos.tests.live.Bundles;

/** What must hold in a guest of any kernel; booted once for all tests. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class KernelAgainstGuest {
  private static final int THREADS = 300;

  private final AttachedGuest attached;
  private final TestGuest guest;
  private final RunningKernel kernel;

  KernelAgainstGuest(String flavour, String series) {
    GuestSpec spec =
        GuestSpec.of(flavour, series)
            .withVcpus(2)
            .withModule("overlay")
            .withModule("vxlan")
            .withModule("tun");
    attached = AttachedGuest.boot(spec, Path.of("target", "kernel-cache"));
    guest = attached.guest();
    kernel = attached.kernel();
  }

  @BeforeAll
  void showAddressesAndStartThreads() {
    guest.run("echo 0 >/proc/sys/kernel/kptr_restrict");
    guest.run("threads " + THREADS + " >/tmp/threads.out 2>&1 &");
    guest.run("while ! grep -q ready /tmp/threads.out; do sleep 0.1; done");
  }

  @AfterAll
  void end() {
    guest.assertNoKernelWarnings();
    attached.close();
  }

  @Test
  void itIsTheKernelThatTheGuestSaysItIs() {
    String notes = guest.run("od -An -v -tx1 /sys/kernel/notes | tr -d ' \\n'");
    String bootId = guest.run("cat /proc/sys/kernel/random/boot_id");

    RunningKernel again =
        RunningKernel.attach(attached.domain(), Path.of("target", "kernel-cache"));

    assertThat(kernel.identity().release()).isEqualTo(guest.release());
    assertThat(notes).contains(kernel.identity().buildId());
    assertThat(again.identity().bootId().orElseThrow()).hasToString(bootId);
    assertThat(again.identity().sameBoot(kernel.identity())).isTrue();
    assertThat(kernel.symbols().address("_stext").value() - kernel.identity().slide())
        .isEqualTo(0xffff_ffff_8100_0000L);
  }

  @Test
  void everySymbolOfTheKernelIsWhereTheGuestSaysItIs() {
    List<String> inside = guest.run("grep -v '\\[' /proc/kallsyms").lines().sorted().toList();
    List<String> outside = new ArrayList<>();
    for (int i = 0; i < kernel.symbols().size(); i++) {
      outside.add(line(kernel.symbols().get(i)));
    }
    outside.sort(null);

    assertThat(inside).hasSizeGreaterThan(80_000);
    assertThat(outside.equals(inside)).as("both lists are equal").isTrue();
  }

  @Test
  void everySymbolOfAModuleIsWhereTheGuestSaysItIs() {
    Map<String, Set<String>> inside = new HashMap<>();
    guest
        .run("grep '\\[' /proc/kallsyms")
        .lines()
        // pages of code that no module brought
        .filter(line -> !line.contains("[__builtin__") && !line.contains("[bpf]"))
        .forEach(
            line -> {
              String[] parts = line.split("\t", 2);
              inside
                  .computeIfAbsent(parts[1], module -> new TreeSet<>())
                  .add(parts[0].toLowerCase(Locale.ROOT));
            });
    Map<String, Set<String>> outside = new HashMap<>();
    for (LoadedModule module : kernel.modules()) {
      outside.put(
          "[" + module.name() + "]",
          module.symbols().stream()
              .map(symbol -> line(symbol).toLowerCase(Locale.ROOT))
              .collect(Collectors.toCollection(TreeSet::new)));
    }

    assertThat(inside).containsKeys("[overlay]", "[vxlan]", "[udp_tunnel]", "[tun]");
    assertThat(outside).isEqualTo(inside);
  }

  private static String line(KernelSymbol symbol) {
    return String.format("%016x %c %s", symbol.address().value(), symbol.type(), symbol.name());
  }

  @Test
  void modulesAreWhatTheGuestListsInTheSameOrder() {
    List<String> outside =
        kernel.modules().stream()
            .map(
                module ->
                    String.format(
                        "%s %d %d %s Live 0x%016x",
                        module.name(),
                        module.parts().stream().mapToLong(part -> part.range().size()).sum(),
                        module.references(),
                        module.users().isEmpty() ? "-" : String.join(",", module.users()) + ",",
                        module.part(LoadedModule.Kind.TEXT).orElseThrow().start().value()))
            .toList();

    assertThat(outside).isEqualTo(guest.run("cat /proc/modules").lines().toList());
  }

  @Test
  void sectionsOfModulesAreWhereTheGuestSaysTheyAre() {
    Set<String> inside =
        guest
            .run("cd /sys/module && grep -H . */sections/* */sections/.[a-z]*")
            .lines()
            .map(line -> line.replaceFirst("/sections/", " ").replaceFirst(":0x", " 0x"))
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> outside = new TreeSet<>();
    for (LoadedModule module : kernel.modules()) {
      for (LoadedModule.Section section : module.sections()) {
        outside.add(
            String.format(
                "%s %s 0x%016x", module.name(), section.name(), section.address().value()));
      }
    }

    assertThat(outside).isEqualTo(inside).hasSizeGreaterThan(100);
  }

  @Test
  void tasksAreThoseThatTheGuestLists() {
    Map<Integer, Map<String, String>> before = insideTasks();
    List<Task> outside = kernel.tasks().all();
    Map<Integer, Map<String, String>> after = insideTasks();

    assertThat(outside).filteredOn(Task::isIdle).hasSize(2);
    Map<Integer, Task> byPid =
        outside.stream()
            .filter(task -> !task.isIdle())
            .collect(Collectors.toMap(Task::pid, task -> task));
    assertThat(byPid.size()).isGreaterThan(THREADS);
    // what was there before and after was there meanwhile
    before.keySet().retainAll(after.keySet());
    assertThat(byPid).containsKeys(before.keySet().toArray(new Integer[0]));
    // of one that has ended, and that nobody has waited for yet, little is left
    before
        .keySet()
        .removeIf(
            pid -> after.getOrDefault(pid, Map.of()).getOrDefault("State", "").matches("Z.*"));
    before.forEach(
        (pid, status) -> {
          Task task = Optional.ofNullable(byPid.get(pid)).orElseThrow();
          assertThat(status.get("Name")).as("name of %d", pid).startsWith(task.comm());
          assertThat(status).containsEntry("Tgid", Integer.toString(task.tgid()));
          assertThat(status)
              .containsEntry("CapEff", HexFormat.of().toHexDigits(task.capabilities()));
          assertThat(status.containsKey("VmSize"))
              .as("memory of %s", task.label())
              .isEqualTo(!task.mm().isNull());
          assertThat(task.exitState()).isZero();
          assertThat(task.inInitialUserNamespace()).isTrue();
          assertThat(Long.parseLong(status.getOrDefault("voluntary_ctxt_switches", "")))
              .isLessThanOrEqualTo(task.voluntarySwitches());
          long sp = task.savedSp().minus(task.stack());
          assertThat(sp).as("saved stack pointer").isBetween(0L, task.stackSize());
        });
  }

  /** Of every task, the lines of its status. */
  private Map<Integer, Map<String, String>> insideTasks() {
    Map<Integer, Map<String, String>> tasks = new HashMap<>();
    String all = guest.run("cat /proc/[0-9]*/task/*/status 2>/dev/null; true");
    for (String status : all.split("(?m)^(?=Name:)", -1)) {
      Map<String, String> lines = new HashMap<>();
      status
          .lines()
          .filter(line -> line.contains(":\t"))
          .forEach(
              line -> {
                String[] parts = line.split(":\t", 2);
                lines.put(parts[0], parts[1].strip());
              });
      String pid = lines.get("Pid");
      if (pid != null) {
        tasks.put(Integer.valueOf(pid), lines);
      }
    }
    return tasks;
  }

  @Test
  void tasksDoWhatTheGuestSaysTheyDo() {
    Map<Integer, Map<String, String>> before = insideTasks();
    Map<Integer, String> waiting = insideWaits();
    ShowTasks.Outcome outside = new ShowTasks(Bundles.settings()).run(guest.name());
    Map<Integer, Map<String, String>> after = insideTasks();

    Map<Integer, ShowTasks.Entry> byPid =
        outside.threads().stream().collect(Collectors.toMap(ShowTasks.Entry::pid, t -> t));
    // who has not run meanwhile did not change
    before
        .entrySet()
        .removeIf(
            entry ->
                !rest(entry.getValue()).equals(rest(after.getOrDefault(entry.getKey(), Map.of()))));
    assertThat(before.size()).isGreaterThan(THREADS);
    int blocked = 0;
    for (Map.Entry<Integer, Map<String, String>> entry : before.entrySet()) {
      assertThat(byPid).as("%s", entry.getValue()).containsKey(entry.getKey());
      ShowTasks.Entry task = Optional.ofNullable(byPid.get(entry.getKey())).orElseThrow();
      String name = task.name() + "/" + task.pid();
      assertThat(entry.getValue().get("State")).as(name).startsWith(task.state() + " (");
      String place = waiting.getOrDefault(entry.getKey(), "");
      if (!task.state().equals("R") && !place.equals("0")) {
        assertThat(task.blockedIn().replaceFirst(" \\[.*", "")).as(name).isEqualTo(place);
        assertThat(task.sinceSeconds())
            .as(name)
            .hasValueSatisfying(seconds -> assertThat(seconds).isBetween(0.0, 36_000.0));
        blocked++;
      }
    }
    assertThat(blocked).isGreaterThan(THREADS);
    assertThat(outside.cpus()).extracting(ShowTasks.Cpu::cpu).containsExactly(0, 1);
    assertThat(outside.condition().panic()).isEmpty();
  }

  /** What changes when a task runs; of its memory others of its process may change the figures. */
  private static List<String> rest(Map<String, String> status) {
    return Stream.of("Name", "State", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
        .map(line -> status.getOrDefault(line, ""))
        .toList();
  }

  /** Of every task, the kernel function in which it waits, or 0. */
  private Map<Integer, String> insideWaits() {
    Map<Integer, String> waits = new HashMap<>();
    guest
        .run("grep -H '' /proc/[0-9]*/task/*/wchan 2>/dev/null; true")
        .lines()
        .forEach(
            line -> {
              String[] parts = line.split("[/:]", -1);
              waits.put(Integer.valueOf(parts[4]), parts[parts.length - 1]);
            });
    return waits;
  }

  @Test
  void theLogIsWhatTheGuestReads() {
    guest.run("echo '<3>lucos: log test, \303\274 and a backslash' >/dev/kmsg");
    List<String> inside =
        guest
            .run("timeout 3 cat /dev/kmsg; true")
            .lines()
            .filter(line -> !line.startsWith(" ")) // what belongs to a device
            .map(line -> line.replaceFirst("(?s)^(\\d+,\\d+,\\d+),[^;]*;", "$1 "))
            .toList();
    List<String> shown = guest.kernelLog().lines();
    LogReading outside = kernel.log().read(0, Integer.MAX_VALUE);

    assertThat(outside.damaged()).isZero();
    assertThat(inside).hasSizeGreaterThan(100);
    List<String> same =
        outside.records().stream()
            .map(
                record ->
                    String.format(
                        "%d,%d,%d %s",
                        record.facility() << 3 | record.level(),
                        record.seq(),
                        record.nanoseconds() / 1000,
                        escaped(record.text())))
            .toList();
    assertThat(Collections.indexOfSubList(same, inside)).as("as /dev/kmsg has it").isNotNegative();
    List<String> printed =
        outside.records().stream()
            .flatMap(
                record ->
                    List.of(record.text().split("\n", -1)).stream()
                        .map(line -> "[" + record.time() + "] " + line))
            .toList();
    assertThat(Collections.indexOfSubList(printed, shown)).as("as dmesg has it").isNotNegative();
    assertThat(outside.records())
        .filteredOn(record -> record.text().startsWith("lucos: log test"))
        .hasSize(1)
        .allSatisfy(record -> assertThat(record.levelName()).isEqualTo("err"));
    assertThat(kernel.log().read(outside.next(), Integer.MAX_VALUE).lost()).isZero();
  }

  /** As {@code msg_add_ext_text()} of kernel/printk/printk.c writes it. */
  private static String escaped(String text) {
    StringBuilder escaped = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      boolean plain = b >= ' ' && b < 127 && b != '\\';
      escaped.append(plain ? String.valueOf((char) b) : String.format("\\x%02x", b));
    }
    return escaped.toString();
  }

  @Test
  void everyCpuKnowsItsNumberAndTask() {
    assertThat(kernel.perCpu().onlineCpus()).containsExactly(0, 1);
    for (int cpu : kernel.perCpu().onlineCpus()) {
      Task current = kernel.tasks().at(kernel.perCpu().currentTask(cpu));
      assertThat(current.pid()).isNotNegative();
      assertThat(kernel.memory().u32(kernel.perCpu().address(numberVariable(), cpu)))
          .isEqualTo(cpu);
    }
  }

  /** {@code cpu_number}, which 6.2 to 6.14 keep inside of {@code pcpu_hot}. */
  private GuestVirtualAddress numberVariable() {
    return kernel
        .symbols()
        .find("cpu_number")
        .map(KernelSymbol::address)
        .orElseGet(
            () ->
                kernel
                    .symbols()
                    .address("pcpu_hot")
                    .plus(kernel.types().struct("pcpu_hot").offsetOf("cpu_number")));
  }

  @Test
  void readingARestlessGuestDoesNotFail() {
    guest.run(
        "for i in 1 2 3; do (while :; do /bin/true; done) >/dev/null 2>&1 & echo $!; done"
            + " >/tmp/restless");
    try {
      for (int i = 0; i < 300; i++) {
        assertThat(kernel.tasks().all()).hasSizeGreaterThan(THREADS);
        assertThat(kernel.modules()).isNotEmpty();
      }
    } finally {
      guest.run("kill $(cat /tmp/restless)");
    }
  }
}
