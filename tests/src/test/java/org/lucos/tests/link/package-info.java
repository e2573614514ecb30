/** Linking and planning against real kernels in real guests. */
@org.jspecify.annotations.NullMarked
package org.lucos.tests.link;
