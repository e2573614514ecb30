/**
 * Real guests for tests: booted as libvirt domains from the recipes in {@code vm-images}, driven
 * over a serial port. Uses the recipes' scripts and nothing of the product.
 */
@NullMarked
package org.lucos.tests.guest;

import org.jspecify.annotations.NullMarked;
