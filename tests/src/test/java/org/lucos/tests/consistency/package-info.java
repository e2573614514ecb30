/** Stack checks and backtraces of real guests, against what the guests say themselves. */
@org.jspecify.annotations.NullMarked
package org.lucos.tests.consistency;
