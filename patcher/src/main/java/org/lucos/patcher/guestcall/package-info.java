/**
 * Runs kernel functions inside the guest by writing its memory. Uses {@code kernel}, {@code
 * consistency} and the bridge.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.guestcall;
