/**
 * One class a use case: build, plan, apply, revert, status. Uses every room below; what {@code cli}
 * sees.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.app;
