/** The whole path on real guests: built, planned, applied, observed from inside, reverted. */
@org.jspecify.annotations.NullMarked
package org.lucos.tests.live;
