package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.lucos.patcher.btf.BtfWriter;
import org.lucos.patcher.btf.BtfWriter.Member;

/** The types of a {@link SyntheticKernel}: what attaching needs, each member on 8 bytes. */
final class SyntheticTypes {
  private final BtfWriter writer = new BtfWriter();
  private final Map<String, Shape> shapes = new HashMap<>();
  private final int word = writer.integer("unsigned long", 8);
  private final int half = writer.integer("int", 4);
  private final int character = writer.integer("char", 1);
  private final int shortText = writer.array(character, word, 16);
  private final int longText = writer.array(character, word, 56);

  /** Where a structure has its members. */
  record Shape(int type, int size, Map<String, Integer> offsets) {
    long offset(String member) {
      return Objects.requireNonNull(offsets.get(member), member);
    }
  }

  SyntheticTypes() {
    int list = struct("list_head", "next", word, "prev", word);
    struct("cpumask", "bits", writer.array(word, word, 1));
    struct("cred", "usage", half, "cap_effective", word, "user_ns", word);
    struct("signal_struct", "sigcnt", half, "thread_head", list);
    struct("rq", "idle", word);
    struct("timekeeper", "xtime_sec", word);
    tasks(list);
    modules(list);
    writer.enumeration(
        "system_states",
        "SYSTEM_BOOTING",
        "SYSTEM_SCHEDULING",
        "SYSTEM_FREEING_INITMEM",
        "SYSTEM_RUNNING",
        "SYSTEM_HALT");
    writer.enumeration(
        "module_state",
        "MODULE_STATE_LIVE",
        "MODULE_STATE_COMING",
        "MODULE_STATE_GOING",
        "MODULE_STATE_UNFORMED");
  }

  private void tasks(int list) {
    int info = struct("thread_info", "flags", word, "cpu", half);
    int thread = struct("thread_struct", "sp", word);
    struct(
        "task_struct",
        "thread_info",
        info,
        "__state",
        half,
        "stack",
        word,
        "flags",
        half,
        "ptrace",
        half,
        "on_cpu",
        half,
        "tasks",
        list,
        "mm",
        word,
        "exit_state",
        half,
        "pid",
        half,
        "tgid",
        half,
        "stack_canary",
        word,
        "thread_node",
        list,
        "nvcsw",
        word,
        "nivcsw",
        word,
        "start_boottime",
        word,
        "cred",
        word,
        "comm",
        shortText,
        "signal",
        word,
        "task_works",
        word,
        "thread",
        thread);
  }

  private void modules(int list) {
    int layout =
        struct(
            "module_layout",
            "base",
            word,
            "size",
            half,
            "text_size",
            half,
            "ro_size",
            half,
            "ro_after_init_size",
            half);
    struct(
        "module",
        "state",
        half,
        "list",
        list,
        "name",
        longText,
        "init",
        word,
        "core_layout",
        layout,
        "init_layout",
        layout,
        "taints",
        word,
        "kallsyms",
        word,
        "source_list",
        list,
        "exit",
        word,
        "refcnt",
        half);
    struct("module_use", "source_list", list, "target_list", list, "source", word, "target", word);
    struct("mod_kallsyms", "symtab", word, "num_symtab", half, "strtab", word, "typetab", word);
  }

  /** A struct of these members: name, type, name, type and so on. */
  private int struct(String name, Object... members) {
    Map<String, Integer> offsets = new LinkedHashMap<>();
    List<Member> list = new ArrayList<>();
    int at = 0;
    for (int i = 0; i < members.length; i += 2) {
      int type = (Integer) members[i + 1];
      list.add(new Member((String) members[i], type, at));
      offsets.put((String) members[i], at);
      at += sizeOf(type);
    }
    int type = writer.struct(name, at, list.toArray(new Member[0]));
    shapes.put(name, new Shape(type, at, offsets));
    return type;
  }

  private int sizeOf(int type) {
    return shapes.values().stream()
        .filter(shape -> shape.type() == type)
        .map(Shape::size)
        .findFirst()
        .orElse(type == shortText ? 16 : type == longText ? 56 : 8);
  }

  Shape shape(String name) {
    return Objects.requireNonNull(shapes.get(name), name);
  }

  byte[] bytes() {
    return writer.bytes();
  }
}
