/**
 * C source as text: which file includes which, what a header declares, and what a change of one
 * means to a file that includes it. Needs no compiler; all answers err towards "may matter".
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.build.source;
