/**
 * Known patches by recipe: real fixes whose diff is computed from two Debian source packages, and
 * edits written for this project. Gives diffs to {@code build}; reads {@code kernel-patches/}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.build.recipe;
