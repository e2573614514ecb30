package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.consistency.KnownFrame;
import org.lucos.patcher.refusal.Straggler;

/** Helps tasks out of code between two attempts of a switch. */
interface Kicker extends AutoCloseable {

  /** Waits only. */
  Kicker NONE =
      new Kicker() {
        @Override
        public Optional<String> help(List<Straggler> inside, Duration waited) {
          return Optional.empty();
        }

        @Override
        public List<KnownFrame> frames() {
          return List.of();
        }

        @Override
        public void close() {}
      };

  /**
   * After an attempt that found tasks inside.
   *
   * @param waited since the first attempt
   * @return what was done, if anything was; the next attempt should follow at once
   */
  Optional<String> help(List<Straggler> inside, Duration waited);

  /** What a stack check has to know about it. */
  List<KnownFrame> frames();

  /** Undoes what it did; called when the attempts are over, also when they failed. */
  @Override
  void close();
}
