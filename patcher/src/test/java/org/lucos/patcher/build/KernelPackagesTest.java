package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.patcher.build.KernelPackages.KernelPackageSet;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

class KernelPackagesTest {
  private static final String RELEASE = "6.1.0-53-cloud-amd64";

  private static final class FakeIndex implements PackageIndex {
    private final Map<String, List<String>> versions = new HashMap<>();
    private final Map<String, List<String>> afterRefresh = new HashMap<>();
    private int refreshes;

    @Override
    public List<String> versions(String packageName) {
      return versions.getOrDefault(packageName, List.of());
    }

    @Override
    public List<String> namesBeginning(String prefix) {
      return versions.keySet().stream().filter(n -> n.startsWith(prefix)).sorted().toList();
    }

    @Override
    public boolean refresh(BuildListener listener) {
      refreshes++;
      versions.putAll(afterRefresh);
      return true;
    }

    @Override
    public Path fetch(PackageVersion wanted, BuildListener listener) {
      throw new AssertionError("nothing is to be fetched");
    }
  }

  private final FakeIndex index = new FakeIndex();
  private final KernelPackages packages = new KernelPackages(index);

  @Test
  void takesThreePackagesOfOneVersion() {
    index.versions.put("linux-image-" + RELEASE, List.of("6.1.187-1"));
    index.versions.put("linux-headers-" + RELEASE, List.of("6.1.187-1"));
    index.versions.put("linux-source-6.1", List.of("6.1.192-2", "6.1.187-1", "6.1.170-3"));
    KernelPackageSet set = packages.find(RELEASE, BuildListener.SILENT);
    assertThat(set.image()).isEqualTo(new PackageVersion("linux-image-" + RELEASE, "6.1.187-1"));
    assertThat(set.source()).isEqualTo(new PackageVersion("linux-source-6.1", "6.1.187-1"));
    assertThat(index.refreshes).isZero();
  }

  @Test
  void refreshesAStaleIndexOnce() {
    index.afterRefresh.put("linux-image-" + RELEASE, List.of("6.1.187-1"));
    index.afterRefresh.put("linux-headers-" + RELEASE, List.of("6.1.187-1"));
    index.afterRefresh.put("linux-source-6.1", List.of("6.1.187-1"));
    assertThat(packages.find(RELEASE, BuildListener.SILENT).source().version())
        .isEqualTo("6.1.187-1");
    assertThat(index.refreshes).isEqualTo(1);
  }

  @Test
  void saysWhatWasLookedForAndWhatThereIs() {
    index.versions.put("linux-image-6.1.0-56-cloud-amd64", List.of("6.1.192-2"));
    index.versions.put("linux-image-6.1.0-56-cloud-amd64-dbg", List.of("6.1.192-2"));
    index.versions.put("linux-source-6.1", List.of("6.1.192-2"));
    assertThatThrownBy(() -> packages.find(RELEASE, BuildListener.SILENT))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e ->
                assertThat(e.refusal().message())
                    .contains(
                        "linux-image-" + RELEASE + " is not offered",
                        "linux-source-6.1 is offered as [6.1.192-2]",
                        "releases offered: 6.1.0-56-cloud-amd64")
                    .doesNotContain("dbg"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-o", "six", "6.1.0/../../x", "6.1.0 x", "6.1.0;x"})
  void refusesWhatIsNoRelease(String release) {
    assertThatThrownBy(() -> packages.find(release, BuildListener.SILENT))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> assertThat(e.refusal()).isInstanceOf(HostRefusal.KernelPackageNotFound.class));
  }

  @Test
  void knowsTheSeriesOfNewReleaseNames() {
    assertThat(KernelPackages.sourceName("6.12.117+deb12-cloud-amd64"))
        .isEqualTo("linux-source-6.12");
  }
}
