package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import java.util.List;

/** Where Kbuild puts the object of a source file under one configuration. */
public sealed interface Placement {

  /** In vmlinux. */
  record BuiltIn() implements Placement {}

  /**
   * In a loadable module.
   *
   * @param name as the kernel lists it, such as {@code kvm_intel}
   */
  record Module(String name) implements Placement {}

  /** In several modules, each of which has a copy. */
  record Modules(List<String> names) implements Placement {
    /** Copies the list. */
    public Modules {
      names = ImmutableList.copyOf(names);
    }
  }

  /**
   * Wherever the Makefile of another directory puts it, which names it by a path upwards.
   *
   * @param file that path, such as {@code arch/x86/kvm/../../../virt/kvm/eventfd.c} for {@code
   *     virt/kvm/eventfd.c}: its placement is that of the object
   */
  record Elsewhere(String file) implements Placement {}

  /**
   * Nowhere: this configuration does not compile it, or compiles it into something else (the boot
   * loader, the vDSO).
   *
   * @param why what the Makefile says, such as {@code CONFIG_FOO}
   */
  record NotBuilt(String why) implements Placement {}
}
