/** What a corpus run found, as a table, a page and a summary. Reads {@code corpus} only. */
@org.jspecify.annotations.NullMarked
package org.lucos.bench.report;
