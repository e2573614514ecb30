/**
 * What is read of a running kernel from outside, held against what the same guest says from inside.
 */
@NullMarked
package org.lucos.tests.kernel;

import org.jspecify.annotations.NullMarked;
