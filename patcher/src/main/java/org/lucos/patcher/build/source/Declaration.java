package org.lucos.patcher.build.source;

import com.google.common.collect.ImmutableSet;
import java.util.Set;

/**
 * A piece of C source at the outermost level.
 *
 * @param kind what it is
 * @param names what it declares; for a type its tag, or else its name
 * @param head what stands before the body of a function; the whole text for others
 * @param text all of it, without comments, every run of blanks as one
 */
record Declaration(Kind kind, Set<String> names, String head, String text) {
  /** What a declaration is. */
  enum Kind {
    /** {@code #define}. */
    MACRO,
    /** Any other line that begins with {@code #}. */
    DIRECTIVE,
    /** A function with its body. */
    FUNCTION,
    /** A function or variable declared, not defined. */
    PROTOTYPE,
    /** A structure, union or enumeration with its members, or a typedef. */
    TYPE,
    /** Something that says nothing: a lone semicolon, a static assertion, a forward declaration. */
    EMPTY,
    /** A variable, top-level assembly, a macro that stands by itself: anything else. */
    OTHER
  }

  Declaration(Kind kind, java.util.Collection<String> names, String text) {
    this(kind, ImmutableSet.copyOf(names), text, text);
  }

  Declaration {
    names = ImmutableSet.copyOf(names);
  }

  boolean mentions(String name) {
    return Words.contains(text, name);
  }

  /** A function that leaves no code behind where nobody refers to it. */
  boolean vanishesUnused() {
    return kind == Kind.FUNCTION
        && Words.contains(head, "static")
        && !head.contains("__used")
        && !head.contains("constructor")
        && !head.contains("section");
  }

  /** As before preprocessing: {@code static inline}, or one of the kernel's words for it. */
  boolean isInline() {
    return kind == Kind.FUNCTION && Words.contains(head, "static") && head.contains("inline");
  }
}
