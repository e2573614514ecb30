/** Reading and writing ELF relocatable objects, and x86-64 relocations. Uses {@code bytes}. */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.elf;
