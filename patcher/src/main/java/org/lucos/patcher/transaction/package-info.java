/**
 * The only writer of patches: journal, switch, undo, states. Uses {@code plan}, {@code consistency}
 * and {@code guestcall}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.transaction;
