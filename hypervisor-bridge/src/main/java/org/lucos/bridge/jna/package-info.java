/** Raw native mappings: the only importer of JNA and jnr-ffi. */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.jna;
