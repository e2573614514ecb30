/** Faults put, one at a time, wherever an operation can meet one; and guests that lie. */
@org.jspecify.annotations.NullMarked
package org.lucos.tests.faults;
