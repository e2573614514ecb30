package org.lucos.tests.guest;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * On a {@link TestGuest} parameter of a test or life-cycle method: a guest of this kind, booted
 * once and shared by all test classes of the run. A test leaves it as it found it; one that cannot
 * boots its own with {@link TestGuest#boot}.
 */
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(SharedGuests.class)
public @interface Guest {
  /** The newest kernel of this series is taken. */
  String series() default "6.1";

  GuestSpec.Image image() default GuestSpec.Image.QUICK;

  String flavour() default "cloud-amd64";

  int vcpus() default 1;

  /** For tests that have the kernel rewrite its text often: see {@link GuestSpec.Machine}. */
  boolean inTurn() default false;

  int memoryMib() default 512;
}
