package org.lucos.bench.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.PackageIndex;
import org.lucos.patcher.build.PackageVersion;
import org.lucos.patcher.refusal.RefusedException;

class VersionsTest {
  private static final Map<String, List<String>> OFFERED =
      Map.of(
          "linux-source-6.1", List.of("6.1.187-1", "6.1.176-1"),
          "linux-source-6.12", List.of("6.12.107-1~deb12u1"),
          "linux-image-6.1.0-50-amd64", List.of("6.1.176-1"),
          "linux-image-6.1.0-50-cloud-amd64", List.of("6.1.176-1"),
          "linux-image-6.1.0-50-cloud-amd64-dbg", List.of("6.1.176-1"),
          "linux-image-6.1.0-53-cloud-amd64", List.of("6.1.187-1"),
          "linux-image-6.12.107+deb12-cloud-amd64-unsigned", List.of("6.12.107-1~deb12u1"));

  private final Versions versions =
      new Versions(
          new PackageIndex() {
            @Override
            public List<String> versions(String packageName) {
              return OFFERED.getOrDefault(packageName, List.of());
            }

            @Override
            public List<String> namesBeginning(String prefix) {
              return OFFERED.keySet().stream().filter(n -> n.startsWith(prefix)).sorted().toList();
            }

            @Override
            public boolean refresh(BuildListener listener) {
              return false;
            }

            @Override
            public Path fetch(PackageVersion wanted, BuildListener listener) {
              throw new AssertionError("nothing to fetch");
            }
          });

  @Test
  void aVersionLeadsToItsSourceAndTheReleaseOfAFlavour() {
    PackageVersion source = versions.source("6.1.176-1", BuildListener.SILENT);

    assertThat(source).isEqualTo(new PackageVersion("linux-source-6.1", "6.1.176-1"));
    assertThat(versions.release(source, "cloud-amd64")).isEqualTo("6.1.0-50-cloud-amd64");
    assertThat(versions.release(source, "amd64")).isEqualTo("6.1.0-50-amd64");
  }

  @Test
  void whatABackportAddsMayBeLeftOut() {
    PackageVersion source = versions.source("6.12.107-1", BuildListener.SILENT);

    assertThat(source.version()).isEqualTo("6.12.107-1~deb12u1");
    assertThat(versions.release(source, "cloud-amd64")).isEqualTo("6.12.107+deb12-cloud-amd64");
  }

  @Test
  void whatIsNotOfferedIsRefusedWithWhatIs() {
    assertThatThrownBy(() -> versions.source("6.1.170-3", BuildListener.SILENT))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("6.1.187-1");
    assertThatThrownBy(() -> versions.source("newest", BuildListener.SILENT))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("6.1.176-1");
    PackageVersion source = versions.source("6.1.187-1", BuildListener.SILENT);
    assertThatThrownBy(() -> versions.release(source, "rt-amd64"))
        .isInstanceOf(RefusedException.class);
  }
}
