/** Reading guest memory: what consumers need, and the fault they get. Uses {@code addr}. */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.memory;
