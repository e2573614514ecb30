package org.lucos.patcher.build.diff;

/**
 * One difference between the types of two builds.
 *
 * @param subject such as {@code struct file}
 * @param detail what about it
 * @param declared whether its declaration itself changed, rather than that of a type inside it
 */
record TypeChange(String subject, String detail, boolean declared) {}
