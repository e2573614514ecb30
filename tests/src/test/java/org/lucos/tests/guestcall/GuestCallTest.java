package org.lucos.tests.guestcall;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.patcher.guestcall.GuestCallResult;
import org.lucos.patcher.guestcall.GuestCallResult.Route;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.guestcall.GuestProgram;
import org.lucos.patcher.guestcall.GuestProgram.Constant;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.KernelLog;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;

/** Kernel functions run inside of guests from outside. */
@Contract
class GuestCallTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  @TempDir Path cache;

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void anIdleGuestAnswersThroughTheBorrowedWorker(String series) {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud(series))) {
      inside(
          guest,
          kernel -> {
            byte[] text = lastTextPage(kernel);
            byte[] stack = idleStack(kernel);
            try (GuestCalls calls = GuestCalls.open(kernel)) {
              GuestCallResult result = calls.call(print(kernel, "one", 7), LIMIT);
              assertThat(result.route()).isEqualTo(Route.BORROWED_WORKER);
              assertThat(result.carrier()).endsWith("[1]");
              assertThat(calls.call(print(kernel, "two", 8), LIMIT).values()).hasSize(1);
            }
            assertThat(lastTextPage(kernel)).as("text after the call").isEqualTo(text);
            assertThat(idleStack(kernel)).as("scratch after the call").isEqualTo(stack);
            assertThat(GuestCalls.isLeftOpen(kernel)).isFalse();
          });
      assertThat(occurrences(guest, "lucos-test one 7")).isEqualTo(1);
      assertThat(occurrences(guest, "lucos-test two 8")).isEqualTo(1);
      guest.assertNoKernelWarnings();
    }
  }

  @Test
  @Tag(Contract.CORE)
  void aPassingTaskTakesTheCallExactlyOnceInABusyGuest(@Guest(vcpus = 2) TestGuest guest) {
    guest.run(
        "rm -f /tmp/busy; for i in 1 2 3 4 5 6; do (while :; do :; done) & echo $! >>/tmp/busy; done");
    try {
      inside(
          guest,
          kernel -> {
            try (GuestCalls calls = GuestCalls.open(kernel)) {
              List<Route> routes = new ArrayList<>();
              for (int i = 0; i < 8; i++) {
                routes.add(calls.call(print(kernel, "busy", 1000 + i), LIMIT).route());
              }
              // The guest's init wakes up once a second, and may come first.
              assertThat(routes)
                  .filteredOn(Route.PASSING_TASK::equals)
                  .as("of %s", routes)
                  .hasSizeGreaterThan(routes.size() / 2);
            }
          });
      KernelLog log = guest.kernelLog(); // once: to be answered by a busy guest takes its time
      for (int i = 0; i < 8; i++) {
        assertThat(occurrences(log, "lucos-test busy " + (1000 + i))).isEqualTo(1);
      }
      guest.assertNoKernelWarnings();
    } finally {
      guest.run("kill -9 $(cat /tmp/busy)");
      assertThat(
              guest.run(
                  "sleep 1; for p in $(cat /tmp/busy); do [ ! -d /proc/$p ] || echo $p; done"))
          .as("busy loops left running")
          .isEmpty();
    }
  }

  @Test
  void resultsAndDataReachLaterCalls(@Guest TestGuest guest) {
    inside(
        guest,
        kernel -> {
          GuestProgram.Builder program = GuestProgram.named("copy");
          GuestProgram.Address text = program.data(new byte[] {'a', 'b', 'c', 0});
          GuestProgram.Result copy =
              program.call(address(kernel, "vmalloc", "vmalloc_noprof"), new Constant(4096));
          program.call(kernel.symbols().address("strcpy"), copy, text);
          program.call(kernel.symbols().address("strlen"), copy);
          program.call(kernel.symbols().address("vfree"), copy);
          try (GuestCalls calls = GuestCalls.open(kernel)) {
            List<Long> values = calls.call(program.build(), LIMIT).values();
            assertThat(values.get(0)).isNegative();
            assertThat(values.get(2)).isEqualTo(3);
          }
        });
    guest.assertNoKernelWarnings();
  }

  /** On a slow host a task may pass in the moment between hooking and taking back. */
  @Test
  void aCallThatNobodyTakesIsTakenBack(@Guest TestGuest guest) {
    List<Boolean> taken = new ArrayList<>();
    inside(
        guest,
        kernel -> {
          byte[] text = lastTextPage(kernel);
          try (GuestCalls calls = GuestCalls.open(kernel)) {
            do {
              taken.add(isTakenAtOnce(calls, print(kernel, "late", 1000 + taken.size())));
            } while (taken.get(taken.size() - 1) && taken.size() < 50);
          }
          assertThat(lastTextPage(kernel)).isEqualTo(text);
        });
    assertThat(taken).contains(false);
    guest.run("sleep 3");
    for (int i = 0; i < taken.size(); i++) {
      assertThat(occurrences(guest, "lucos-test late " + (1000 + i)))
          .isEqualTo(taken.get(i) ? 1 : 0);
    }
    guest.assertNoKernelWarnings();
  }

  private static boolean isTakenAtOnce(GuestCalls calls, GuestProgram program) {
    try {
      calls.call(program, Duration.ZERO);
      return true;
    } catch (RefusedException e) {
      assertThat(e.refusal()).isInstanceOf(BusyRefusal.NoCarrier.class);
      return false;
    }
  }

  @Test
  void whatADeadControllerLeftIsClearedAway(@Guest TestGuest guest) throws Exception {
    Process victim =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                AbandonedCall.class.getName(),
                guest.name(),
                cache.toString())
            .redirectErrorStream(true)
            .start();
    try (var output = victim.inputReader()) {
      String line;
      StringBuilder all = new StringBuilder();
      while ((line = output.readLine()) != null && !line.equals(AbandonedCall.HOOKED)) {
        all.append(line).append('\n');
      }
      assertThat(line).as(all.toString()).isEqualTo(AbandonedCall.HOOKED);
    } finally {
      victim.destroyForcibly().waitFor();
    }
    inside(
        guest,
        kernel -> {
          assertThat(GuestCalls.isLeftOpen(kernel)).isTrue();
          try (GuestCalls calls = GuestCalls.open(kernel)) {
            assertThat(GuestCalls.isLeftOpen(kernel)).isFalse();
            assertThat(calls.call(print(kernel, "after", 3), LIMIT).values()).hasSize(1);
          }
        });
    assertThat(occurrences(guest, "lucos-test after 3")).isEqualTo(1);
    guest.assertNoKernelWarnings();
  }

  private void inside(TestGuest guest, java.util.function.Consumer<RunningKernel> work) {
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      work.accept(RunningKernel.attach(domain, cache));
    }
  }

  static GuestProgram print(RunningKernel kernel, String word, int number) {
    GuestProgram.Builder program = GuestProgram.named("print");
    GuestProgram.Address format =
        program.data(("\u00016lucos-test " + word + " %d\n\0").getBytes(StandardCharsets.US_ASCII));
    program.call(kernel.symbols().address("_printk"), format, new Constant(number));
    return program.build();
  }

  private static GuestVirtualAddress address(RunningKernel kernel, String... names) {
    for (String name : names) {
      if (kernel.symbols().find(name).isPresent()) {
        return kernel.symbols().address(name);
      }
    }
    throw new AssertionError("no symbol of " + List.of(names));
  }

  private static byte[] lastTextPage(RunningKernel kernel) {
    GuestVirtualAddress end = kernel.symbols().address("_etext").plus(4095).alignDown(4096);
    return kernel.memory().bytes(end.plus(-4096), 4096);
  }

  private static byte[] idleStack(RunningKernel kernel) {
    GuestVirtualAddress stack =
        kernel
            .memory()
            .pointer(
                kernel
                    .symbols()
                    .address("init_task")
                    .plus(kernel.types().struct("task_struct").field("stack").offset()));
    return kernel.memory().bytes(stack, 8192);
  }

  private static long occurrences(TestGuest guest, String text) {
    return occurrences(guest.kernelLog(), text);
  }

  private static long occurrences(KernelLog log, String text) {
    return log.lines().stream().filter(l -> l.endsWith(text)).count();
  }
}
