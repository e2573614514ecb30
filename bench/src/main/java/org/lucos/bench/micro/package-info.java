/**
 * The host's own work on a guest, in the small: JMH benchmarks of what every command does often or
 * much of. Uses {@code harness} and everything below it.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.bench.micro;
