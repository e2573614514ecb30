/** Tests of reading a running kernel. */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.kernel;
