/** Types as BTF describes them: a kernel's, a module's, one object's. Uses {@code bytes}. */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.btf;
