/**
 * Why a request is declined: one sealed type with stable names, exit codes and remedies. Uses the
 * bridge's {@code domain}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.refusal;
