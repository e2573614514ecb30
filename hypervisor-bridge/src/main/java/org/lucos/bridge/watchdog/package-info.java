/**
 * What becomes of a guest whose controller dies or hangs while it holds it stopped: a process that
 * stands by, what it is told, and the record of what it must put back. Knows no hypervisor and no
 * other room.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.watchdog;
