package org.lucos.patcher.app;

import java.io.UncheckedIOException;
import java.util.Optional;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;

/** Turns whatever ended an operation into what is told to people and scripts. */
public final class Failures {
  private Failures() {}

  /** The refusal behind a failure, if it is one. */
  public static Optional<Refusal> refusal(Throwable failure) {
    if (failure instanceof RefusedException refused) {
      return Optional.of(refused.refusal());
    }
    if (failure instanceof DomainRefusedException refused) {
      return Optional.of(new GuestRefusal.DomainUnavailable(refused.refusal()));
    }
    if (failure instanceof MemoryFaultException) {
      return Optional.of(new GuestRefusal.MemoryUnreadable(String.valueOf(failure.getMessage())));
    }
    return Optional.empty();
  }

  /** One sentence for a failure that is no refusal. */
  public static String describe(Throwable failure) {
    String message = failure.getMessage();
    String text = message == null ? failure.getClass().getSimpleName() : message;
    if (failure instanceof MalformedDataException) {
      return "malformed data: " + text;
    }
    if (failure instanceof UncheckedIOException && failure.getCause() != null) {
      return text + ": " + failure.getCause().getMessage();
    }
    return text;
  }
}
