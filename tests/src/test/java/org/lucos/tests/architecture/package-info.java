/** Holds the rooms and arrows that the package descriptions and the design promise. */
@org.jspecify.annotations.NullMarked
package org.lucos.tests.architecture;
