package org.lucos.tests.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

class SharedGuestsTest {
  private static final List<String> NAMES = new CopyOnWriteArrayList<>();

  /** Run by the test below only. */
  @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
  static class OneFails {
    @Test
    @Order(1)
    void passes(@Guest TestGuest guest) {
      NAMES.add(guest.name());
    }

    @Test
    @Order(2)
    void fails(@Guest TestGuest guest) {
      NAMES.add(guest.name());
      throw new IllegalStateException("as it should");
    }

    @Test
    @Order(3)
    void comesBehind(@Guest TestGuest guest) {
      NAMES.add(guest.name());
    }
  }

  @Test
  void aGuestWithWhichATestHasFailedIsNotGivenToAnother() {
    SummaryGeneratingListener summary = new SummaryGeneratingListener();
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(OneFails.class))
                .build(),
            summary);

    assertThat(summary.getSummary().getTestsSucceededCount()).isEqualTo(2);
    assertThat(summary.getSummary().getTestsFailedCount()).isEqualTo(1);
    assertThat(NAMES).hasSize(3);
    assertThat(NAMES.get(1)).isEqualTo(NAMES.get(0));
    assertThat(NAMES.get(2)).isNotEqualTo(NAMES.get(1));
  }
}
