/**
 * Guest addresses as types: physical and virtual never mix, arithmetic is unsigned and checked.
 * Uses nothing.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.bridge.addr;
