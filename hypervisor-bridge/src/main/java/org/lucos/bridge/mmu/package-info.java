/** x86-64 paging as data and one walker over it. Uses {@code addr} and {@code memory}. */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.mmu;
