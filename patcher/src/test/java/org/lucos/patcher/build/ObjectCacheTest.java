package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ObjectCacheTest {
  @Test
  void anObjectIsFoundByWhatItIsMadeOf(@TempDir Path folder) {
    ObjectCache cache = new ObjectCache(folder, Clock.systemUTC());
    String key = key("int x;", "gcc", "-O2");
    cache.put(key, new byte[] {7});

    assertThat(cache.get(key("int x;", "gcc", "-O2"))).contains(new byte[] {7});
    assertThat(cache.get(key("int y;", "gcc", "-O2"))).isEmpty();
    assertThat(cache.get(key("int x;", "gcc", "-O", "2"))).isEmpty();
    cache.prune();
    assertThat(cache.get(key)).isPresent();
  }

  private static String key(String text, String... command) {
    return ObjectCache.key(List.of(command), text);
  }
}
