/** Tests of the agent's program against the Java side of its protocol, on this host. */
@org.jspecify.annotations.NullMarked
package org.lucos.tests.agent;
