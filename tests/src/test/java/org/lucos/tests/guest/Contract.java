package org.lucos.tests.guest;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;

/**
 * On a test or a class of tests: part of what must hold of a guest under every hypervisor. It knows
 * the hypervisor only through {@link Place}, boots only guests of the newest kernels or those of
 * {@code hosts/HostKit}, and runs wherever {@code LUCOS_PLACE} says. What a hypervisor cannot do is
 * asked of the domain's capabilities, and then the contrary must hold: no such test is skipped.
 */
@Tag(Contract.TAG)
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
public @interface Contract {
  /** The tag of all of these tests. */
  String TAG = "contract";

  /** Besides, on those few that are run on every host in each check. */
  String CORE = "contract-core";

  /** On what measures: run on every host, for the figures. */
  String FIGURES = "figures";
}
