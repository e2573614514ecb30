/**
 * The difference between two kernel source versions, file by file: what it consists of, what of it
 * becomes a live patch, and what each patch does in a guest. Uses {@code patcher/app} and {@code
 * patcher/build}, as the commands do.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.bench.corpus;
