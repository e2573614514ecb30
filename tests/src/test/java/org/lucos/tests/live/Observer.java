package org.lucos.tests.live;

import org.lucos.tests.guest.TestGuest;

/**
 * A way to watch a kernel function from inside the guest, and to count its calls. The function
 * tracer has {@link TracingTest} to itself.
 */
enum Observer {
  GRAPH_TRACER(
      "echo FUNCTION >set_ftrace_filter; echo function_graph >current_tracer; echo 1 >tracing_on",
      "grep -c ' FUNCTION' trace || :",
      "echo nop >current_tracer; echo >set_ftrace_filter"),
  ENTRY_PROBE("echo 'p:lucos_watch ADDRESS' >>kprobe_events", true),
  RETURN_PROBE("echo 'r:lucos_watch ADDRESS' >>kprobe_events", true),
  BPF_ENTRY("bpf_watch attach fentry FUNCTION", false),
  BPF_EXIT("bpf_watch attach fexit FUNCTION", false);

  private static final String TRACING = "cd /sys/kernel/tracing; ";
  private static final String ENABLE = "events/kprobes/lucos_watch/enable";

  private final String attach;
  private final String count;
  private final String detach;

  Observer(String attach, String count, String detach) {
    this.attach = attach;
    this.count = count;
    this.detach = detach;
  }

  Observer(String attach, boolean probe) {
    this(
        probe ? attach + "; echo 1 >" + ENABLE : attach,
        probe
            ? "awk '$1 == \"lucos_watch\" { print $2 }' kprobe_profile"
            : "bpf_watch count FUNCTION",
        probe
            ? "echo 0 >" + ENABLE + "; echo '-:lucos_watch' >>kprobe_events"
            : "bpf_watch detach FUNCTION");
  }

  void attach(TestGuest guest, String function) {
    run(guest, function, attach);
  }

  void detach(TestGuest guest, String function) {
    run(guest, function, detach);
  }

  /** How often the function was called since it is watched. */
  int calls(TestGuest guest, String function) {
    return Integer.parseInt(run(guest, function, count));
  }

  /**
   * Whether a filter by name takes a replacement along that is there when it is set: both have the
   * name, and each call goes through both.
   */
  boolean seesReplacements() {
    return this == GRAPH_TRACER;
  }

  private static String run(TestGuest guest, String function, String command) {
    String address = command.contains("ADDRESS") ? address(guest, function) : "";
    return guest.run(TRACING + command.replace("FUNCTION", function).replace("ADDRESS", address));
  }

  /** Where the kernel's own function of this name is. */
  static String address(TestGuest guest, String function) {
    return guest.run(
        "awk '$3 == \"" + function + "\" && NF == 3 { print \"0x\" $1 }' /proc/kallsyms");
  }
}
