/**
 * What every scenario of {@code lucos-bench} has in common: samples, results, facts of the machine.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.bench.harness;
