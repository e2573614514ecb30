package org.lucos.tests.build;

/** Files of kernel 6.12. */
class KernelObjects612Test extends KernelObjectsContract {
  KernelObjects612Test() {
    super("6.12");
  }
}
