package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.build.KernelImage;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.link.ImageSites.Site;

/**
 * Compares all text of vmlinux in a running kernel with the image it was booted from. Each
 * difference is one that the kernel makes (then it is counted by its kind) or is reported. Reads
 * only; what is being rewritten while it is read is read again.
 */
public final class KernelTextCheck {
  private static final String TEXT = ".text";
  private static final int CHUNK = 1 << 20;
  private static final int MOST_REPORTED = 1000;
  private static final int LOOKS = 5;
  private static final long BETWEEN_LOOKS_MILLIS = 50;
  private static final int MOST_TRACERS = 1 << 12;

  private final RunningKernel kernel;
  private final byte[] expected;
  private final long start;
  private final ImageSites sites;
  private final List<Known> patches;
  private final Map<String, Integer> counts = new TreeMap<>();
  private byte[] chunk = new byte[0];
  private int chunkAt;
  private boolean isFirstLook;

  /**
   * A change that is known.
   *
   * @param at where it begins
   * @param now what stands there
   * @param before what stood there
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Known(GuestVirtualAddress at, byte[] now, byte[] before) {
    /** Copies the bytes. */
    public Known {
      now = now.clone();
      before = before.clone();
    }
  }

  /**
   * Text that is not what it should be.
   *
   * @param place symbol and offset
   * @param address the first byte that differs, hexadecimal
   * @param expected bytes of the image
   * @param found bytes of the guest
   */
  public record Difference(String place, String address, String expected, String found) {}

  /**
   * What was found.
   *
   * @param bytes how much was compared
   * @param counts differences that the kernel or we have made, by kind
   * @param differences all others, at most 1000
   */
  public record Outcome(long bytes, Map<String, Integer> counts, List<Difference> differences) {
    /** Copies the collections. */
    public Outcome {
      counts = Map.copyOf(counts);
      differences = List.copyOf(differences);
    }
  }

  /**
   * Prepares a comparison.
   *
   * @param vmlinux the unpacked kernel, of the guest's build-id
   * @param patches where our patches have put jumps
   */
  public KernelTextCheck(RunningKernel kernel, byte[] vmlinux, List<Known> patches) {
    this.kernel = kernel;
    this.patches = List.copyOf(patches);
    long running = kernel.symbols().address("_text").value();
    KernelImage linked = KernelImage.moved("kernel image", vmlinux, 0);
    long distance = running - text(linked).address();
    KernelImage image = KernelImage.moved("kernel image", vmlinux, distance);
    this.expected = image.content(text(image));
    this.start = running;
    this.sites = new ImageSites(image, kernel, distance);
  }

  private static KernelImage.Section text(KernelImage image) {
    return image
        .section(TEXT)
        .orElseThrow(() -> new MalformedDataException("kernel image", 0, "no " + TEXT));
  }

  /**
   * Compares.
   *
   * @param progress told how many of {@link #size} bytes are done
   */
  public Outcome run(LongConsumer progress) {
    List<Difference> differences = new ArrayList<>();
    ImageForms forms = new ImageForms(kernel, sites, tracers());
    Set<Long> probes = new HashSet<>();
    kernel.kprobes().all().stream()
        .filter(probe -> !probe.onFtrace())
        .map(Kprobe::address)
        .forEach(address -> probes.add(address.value()));
    int next = 0;
    for (int at = 0; at < expected.length; at += CHUNK) {
      int size = Math.min(CHUNK, expected.length - at);
      byte[] live = kernel.memory().bytes(new GuestVirtualAddress(start + at), size);
      restorePatches(live, at);
      chunk = live;
      chunkAt = at;
      next = Math.max(next, at);
      while (next < at + size) {
        if (live[next - at] == expected[next]) {
          next++;
          continue;
        }
        next = explain(forms, probes, next, differences);
        if (differences.size() >= MOST_REPORTED) {
          return new Outcome(next, counts, differences);
        }
      }
      progress.accept(at + size);
    }
    return new Outcome(expected.length, counts, differences);
  }

  /** How many bytes there are to compare. */
  public long size() {
    return expected.length;
  }

  /** Explains a byte that differs, or reports it; gives where to go on. */
  private int explain(ImageForms forms, Set<Long> probes, int at, List<Difference> differences) {
    for (int look = 1; ; look++) {
      isFirstLook = look == 1;
      Optional<Integer> end = explained(forms, probes, at);
      if (end.isPresent()) {
        return end.get();
      }
      if (look == LOOKS) {
        break;
      }
      pause();
    }
    byte[] live = live(at, 16);
    int to = at + 1;
    while (to < at + live.length && to < expected.length && live[to - at] != expected[to]) {
      to++;
    }
    differences.add(
        new Difference(
            place(start + at),
            new GuestVirtualAddress(start + at).toString(),
            HexFormat.of().formatHex(expected, at, to),
            HexFormat.of().formatHex(live, 0, to - at)));
    return to;
  }

  private Optional<Integer> explained(ImageForms forms, Set<Long> probes, int at) {
    if (live(at, 1)[0] == expected[at]) {
      return Optional.of(at + 1); // it was being rewritten
    }
    for (Site site : sites.covering(start + at)) {
      int from = (int) (site.start() - start);
      byte[] live = live(from, site.length());
      if (live.length == site.length() && forms.allows(site, live)) {
        count(label(site, live));
        return Optional.of(from + site.length());
      }
    }
    return probe(probes, at);
  }

  private static String label(Site site, byte[] live) {
    boolean traced = site.kind() == Rewrite.Kind.FENTRY && live[0] == (byte) 0xe8;
    return traced ? "tracer" : site.kind().name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private Optional<Integer> probe(Set<Long> probes, int at) {
    for (int back = 0; back < 5; back++) {
      if (probes.contains(start + at - back)) {
        byte[] live = live(at - back, 5);
        boolean armed = live[0] == (byte) 0xcc && back == 0;
        if (armed || live[0] == (byte) 0xe9) {
          count("kprobe");
          return Optional.of(at - back + (armed ? 1 : 5));
        }
      }
    }
    return Optional.empty();
  }

  private byte[] live(int at, int size) {
    int whole = Math.min(size, expected.length - at);
    if (isFirstLook && at >= chunkAt && at + whole <= chunkAt + chunk.length) {
      return Arrays.copyOfRange(chunk, at - chunkAt, at - chunkAt + whole);
    }
    byte[] live = kernel.memory().bytes(new GuestVirtualAddress(start + at), whole);
    for (Known patch : patches) {
      restore(patch, live, at);
    }
    return live;
  }

  private void restorePatches(byte[] live, int at) {
    for (Known patch : patches) {
      if (restore(patch, live, at)) {
        count("patch");
      }
    }
  }

  private boolean restore(Known patch, byte[] live, int at) {
    long offset = patch.at().value() - start - at;
    boolean there = false;
    if (offset >= 0 && offset + patch.now.length <= live.length) {
      int from = (int) offset;
      there = Arrays.equals(live, from, from + patch.now.length, patch.now, 0, patch.now.length);
      if (there) {
        System.arraycopy(patch.before, 0, live, from, patch.before.length);
      }
    }
    return there;
  }

  private void count(String kind) {
    counts.merge(kind, 1, Integer::sum);
  }

  private String place(long address) {
    GuestVirtualAddress at = new GuestVirtualAddress(address);
    return kernel
        .symbols()
        .enclosing(at)
        .map(symbol -> symbol.name() + "+0x" + Long.toHexString(at.minus(symbol.address())))
        .orElse(at.toString());
  }

  /** Where the calls of traced functions lead: ftrace's own code, and that made for a tracer. */
  private Set<Long> tracers() {
    Set<Long> found = new HashSet<>();
    for (String name :
        List.of(
            "ftrace_caller",
            "ftrace_regs_caller",
            "ftrace_stub",
            "ftrace_graph_caller",
            "ftrace_ops_list_func",
            "arch_ftrace_ops_list_func",
            "function_trace_call",
            "function_stack_trace_call",
            "graph_ops")) {
      kernel.symbols().all(name).forEach(symbol -> found.add(symbol.address().value()));
    }
    StructLayout ops = kernel.types().struct("ftrace_ops");
    Map<Long, Boolean> seen = new HashMap<>();
    GuestVirtualAddress at =
        new GuestVirtualAddress(kernel.memory().u64(kernel.symbols().address("ftrace_ops_list")));
    while (!at.isNull() && seen.put(at.value(), true) == null && seen.size() < MOST_TRACERS) {
      found.add(ops.field("trampoline").read(kernel.memory(), at));
      found.add(ops.field("func").read(kernel.memory(), at));
      at = ops.field("next").readPointer(kernel.memory(), at);
    }
    found.remove(0L);
    return found;
  }

  private static void pause() {
    try {
      Thread.sleep(BETWEEN_LOOKS_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while text was compared", e);
    }
  }
}
