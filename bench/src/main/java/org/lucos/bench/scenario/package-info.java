/** The scenarios of {@code lucos-bench}. One of them sums up a corpus: reads {@code report}. */
@org.jspecify.annotations.NullMarked
package org.lucos.bench.scenario;
