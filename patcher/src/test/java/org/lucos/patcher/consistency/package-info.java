@org.jspecify.annotations.NullMarked
package org.lucos.patcher.consistency;
