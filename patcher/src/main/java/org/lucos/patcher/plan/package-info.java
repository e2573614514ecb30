/**
 * Redirect sites, the edits to make, and their verifier. Reads the guest. Uses {@code link}, {@code
 * insn} and {@code kernel}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.plan;
