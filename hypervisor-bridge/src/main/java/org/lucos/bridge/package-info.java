/** Virtual machines and x86-64, with no knowledge of Linux. See the rooms below. */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge;
