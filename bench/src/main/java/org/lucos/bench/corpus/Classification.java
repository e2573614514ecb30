package org.lucos.bench.corpus;

/**
 * A diff's class and the line that decided.
 *
 * @param kind the class
 * @param reason the first line that makes it more than code, with its number; may be empty
 */
public record Classification(DiffClass kind, String reason) {}
