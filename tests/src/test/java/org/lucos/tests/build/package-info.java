/**
 * Builds against real source packages, objects of real kernels compared and extracted, and the
 * programs that tell flawed kernels from fixed.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.tests.build;
