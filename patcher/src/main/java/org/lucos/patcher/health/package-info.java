/**
 * How a guest is, seen from outside: troubles in its log, tasks that hang, taint; and what of it
 * speaks against a patch. Gives verdicts with evidence and changes nothing. Uses {@code kernel} and
 * {@code consistency}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.health;
