/** Measures the product on what upstream ships. */
@org.jspecify.annotations.NullMarked
package org.lucos.bench;
