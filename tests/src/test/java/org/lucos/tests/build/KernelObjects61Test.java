package org.lucos.tests.build;

/** Files of kernel 6.1. */
class KernelObjects61Test extends KernelObjectsContract {
  KernelObjects61Test() {
    super("6.1");
  }
}
