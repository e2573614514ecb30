/** What crosses modules: architecture rules, real guests, real hosts, faults. */
@org.jspecify.annotations.NullMarked
package org.lucos.tests;
