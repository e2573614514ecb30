/**
 * Tests on a host that can build nothing: what {@code tests/hosts.sh} takes there, and what runs
 * the tests marked with {@link org.lucos.tests.guest.Contract} there.
 */
@NullMarked
package org.lucos.tests.hosts;

import org.jspecify.annotations.NullMarked;
