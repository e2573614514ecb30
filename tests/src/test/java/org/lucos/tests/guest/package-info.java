/**
 * Real guests for tests: booted as libvirt domains from the recipes in {@code vm-images}, driven
 * over a serial port. Uses the recipes' scripts; of the product, {@link
 * org.lucos.tests.guest.Place} opens its connections.
 */
@NullMarked
package org.lucos.tests.guest;

import org.jspecify.annotations.NullMarked;
