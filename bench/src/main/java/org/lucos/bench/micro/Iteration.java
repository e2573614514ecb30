package org.lucos.bench.micro;

import java.util.OptionalDouble;

/**
 * What one iteration has measured.
 *
 * @param nanosPerByte empty if it does not count bytes
 * @param nanosPerItem empty if it does not count items
 */
public record Iteration(OptionalDouble nanosPerByte, OptionalDouble nanosPerItem) {}
