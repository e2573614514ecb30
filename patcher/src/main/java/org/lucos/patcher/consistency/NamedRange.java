package org.lucos.patcher.consistency;

import org.lucos.bridge.addr.AddressRange;

/**
 * Code that nobody may be inside of. A function that the compiler split has several: its {@code
 * .cold} part and the like count as well, each with a range of its own.
 *
 * @param function what reports call it
 * @param range its text
 */
public record NamedRange(String function, AddressRange range) {}
