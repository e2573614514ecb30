/** Whether a task or vCPU may still be inside given code. Reads the guest. Uses {@code kernel}. */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.consistency;
