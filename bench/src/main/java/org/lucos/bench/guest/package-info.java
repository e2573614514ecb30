/** Guests to measure in: boots them through {@code vm-images} and talks to their shell. */
@org.jspecify.annotations.NullMarked
package org.lucos.bench.guest;
