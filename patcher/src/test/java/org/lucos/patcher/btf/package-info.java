/** Tests of reading types. */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.btf;
