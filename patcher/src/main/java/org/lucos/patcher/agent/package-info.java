/**
 * The guest's agent, seen from the host: its protocol as types, and a link to it. What it says is
 * evidence, limited and checked; nothing here writes to a guest. Uses {@code bytes} and the
 * bridge's domain.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.agent;
