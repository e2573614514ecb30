/** Bounds-checked cursors over bytes, and the one exception for malformed input. Uses nothing. */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.bytes;
