/** The scenarios of {@code lucos-bench}. */
@org.jspecify.annotations.NullMarked
package org.lucos.bench.scenario;
