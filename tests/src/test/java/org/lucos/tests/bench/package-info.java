/** The scenarios of {@code lucos-bench}, as short as they can be. */
package org.lucos.tests.bench;
