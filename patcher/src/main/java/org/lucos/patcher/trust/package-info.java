/**
 * Who stands behind a bundle: Ed25519 keys, signatures, and the keys an operator trusts. Knows
 * neither bundles nor guests. Uses {@code bytes} and {@code refusal}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.trust;
