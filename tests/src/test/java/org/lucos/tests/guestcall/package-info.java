/** Guest calls, on real guests. */
@org.jspecify.annotations.NullMarked
package org.lucos.tests.guestcall;
