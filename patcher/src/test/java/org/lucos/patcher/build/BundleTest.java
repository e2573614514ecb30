package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.build.PatchVariant.EntryDigest;
import org.lucos.patcher.build.PatchVariant.Escape;
import org.lucos.patcher.build.PatchVariant.Kind;
import org.lucos.patcher.build.PatchVariant.NewFunction;
import org.lucos.patcher.build.PatchVariant.OriginalEntry;
import org.lucos.patcher.build.PatchVariant.Part;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.trust.SigningKey;

class BundleTest {
  private static final String BUILD_ID = "0123456789abcdef0123456789abcdef01234567";
  private static final PatchDescription DESCRIPTION =
      new PatchDescription(
          "fix-something",
          "Fixes \"something\" for everyone \u2013 really.",
          List.of("CVE-2026-0001"),
          Instant.parse("2026-11-20T12:00:00Z"),
          "0.1.0");

  @TempDir Path folder;

  private static PatchObject patch(String release, Optional<String> buildId) {
    Bytes image = Bytes.of(("image for " + release).getBytes(StandardCharsets.UTF_8));
    Bytes original = Bytes.of("original".repeat(100).getBytes(StandardCharsets.UTF_8));
    String object = "net/ipv4/tcp_input.o";
    PatchVariant variant =
        new PatchVariant(
            release,
            buildId,
            "gcc-12 (Debian 12.2.0-14) 12.2.0",
            "lucos_fix_something_0123abcd",
            List.of(
                new TargetFunction(
                    "tcp_ack",
                    object,
                    Optional.of(1),
                    true,
                    512,
                    image.sha256(),
                    "tcp_ack",
                    List.of(new Part("tcp_ack.cold", 20)),
                    List.of("tcp_ack.cold"))),
            List.of(new NewFunction("helper", object, "helper", 30)),
            List.of(
                new SymbolReference(
                    "printk",
                    "printk",
                    Optional.empty(),
                    Kind.UNKNOWN,
                    false,
                    Optional.empty(),
                    Optional.empty()),
                new SymbolReference(
                    object + ":count.3",
                    "count.3",
                    Optional.of(object),
                    Kind.OBJECT,
                    true,
                    Optional.of("count.3"),
                    Optional.of("sample_module"))),
            List.of(new Escape("helper", "its address is taken by tcp_ack")),
            new EntryDigest("image.o", image.size(), image.sha256()),
            List.of(
                new OriginalEntry(
                    object,
                    Optional.of("sample_module"),
                    new EntryDigest("original/0.o", original.size(), original.sha256()))));
    return new PatchObject(
        DESCRIPTION,
        variant,
        image,
        List.of(new ReferenceObject(object, Optional.of("sample_module"), original)));
  }

  private static Bundle bundle() {
    return Bundle.of(
        List.of(
            patch("6.1.0-56-cloud-amd64", Optional.of(BUILD_ID)),
            patch("6.12.117+deb12-cloud-amd64", Optional.empty())));
  }

  private Bundle read(byte[] bytes) throws IOException {
    Path file = folder.resolve("some.lucos");
    Files.write(file, bytes);
    return Bundle.read(file);
  }

  private void assertBad(byte[] bytes, String detail) {
    assertRefused(bytes, InputRefusal.BadBundle.class, detail);
  }

  private void assertRefused(byte[] bytes, Class<? extends InputRefusal> kind, String detail) {
    assertThatThrownBy(() -> read(bytes))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> {
              assertThat(refused.refusal()).isInstanceOf(kind);
              assertThat(refused.refusal().exitCode()).isEqualTo(ExitCode.BAD_INPUT);
              assertThat(refused).hasMessageContaining("some.lucos").hasMessageContaining(detail);
            });
  }

  private static Map<String, Bytes> entries(byte[] zip) {
    return new LinkedHashMap<>(BundleArchive.read("test", zip));
  }

  private static Bytes text(String text) {
    return Bytes.of(text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] with(String name, Bytes content) {
    Map<String, Bytes> entries = entries(bundle().toBytes());
    entries.put(name, content);
    return BundleArchive.write(entries);
  }

  private static byte[] withManifest(String from, String to) {
    byte[] json = bundle().manifestBytes().toArray();
    String text = new String(json, StandardCharsets.UTF_8);
    assertThat(text).contains(from);
    return with("manifest.json", text(text.replace(from, to)));
  }

  @Test
  void whatAPatchRequiresIsKeptAndAPatchThatRequiresNothingSaysNothing() {
    PatchObject lone = patch("6.1.0-1-amd64", Optional.of(BUILD_ID));
    assertThat(
            new String(Bundle.of(List.of(lone)).manifestBytes().toArray(), StandardCharsets.UTF_8))
        .doesNotContain("requires");
    Path file = folder.resolve("lone");
    Bundle.of(List.of(lone)).write(file);
    assertThat(Bundle.read(file).manifest().description().requires()).isEmpty();

    PatchObject needy = lone.describedAs(DESCRIPTION.requiring(List.of("another", "one")));
    Bundle.of(List.of(needy)).write(file);
    assertThat(Bundle.read(file).manifest().description().requires())
        .containsExactly("another", "one");
  }

  @Test
  void whatIsWrittenIsRead() {
    Path file = folder.resolve("fix.lucos");

    bundle().write(file);
    Bundle read = Bundle.read(file);

    assertThat(read.manifest()).isEqualTo(bundle().manifest());
    assertThat(read.objects()).isEqualTo(bundle().objects());
    assertThat(folder).isDirectoryNotContaining(f -> f.toString().endsWith(".tmp"));
  }

  @Test
  void writingTwiceGivesTheSameBytesAndReplacesTheFile() throws IOException {
    Path file = folder.resolve("fix.lucos");

    bundle().write(file);
    byte[] first = Files.readAllBytes(file);
    bundle().write(file);

    assertThat(Files.readAllBytes(file)).isEqualTo(first).isEqualTo(bundle().toBytes());
  }

  @Test
  void theFileHoldsManifestSignaturesImagesAndOriginalsInThatOrder() {
    SigningKey key = SigningKey.generate("me");
    assertThat(entries(bundle().signedBy(key).toBytes()).keySet())
        .containsExactly(
            "manifest.json",
            "signature/" + key.verifyKey().id(),
            "variant/0/image.o",
            "variant/0/original/0.o",
            "variant/1/image.o",
            "variant/1/original/0.o");
  }

  @Test
  void anyZipToolCanReadTheFile() throws IOException {
    byte[] bytes = bundle().toBytes();
    Path file = Files.write(folder.resolve("fix.lucos"), bytes);
    Map<String, Bytes> found = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (ZipEntry entry : Collections.list(zip.entries())) {
        found.put(entry.getName(), Bytes.of(zip.getInputStream(entry).readAllBytes()));
      }
    }
    assertThat(found).isEqualTo(entries(bytes));
  }

  @Test
  void theVariantOfAKernelIsFoundByBuildIdThenByRelease() {
    Bundle bundle = bundle();

    assertThat(bundle.variantFor("whatever", BUILD_ID).variant().release())
        .isEqualTo("6.1.0-56-cloud-amd64");
    assertThat(bundle.variantFor("6.12.117+deb12-cloud-amd64", "ffff").variant().release())
        .isEqualTo("6.12.117+deb12-cloud-amd64");
    assertThatThrownBy(() -> bundle.variantFor("6.1.0-56-cloud-amd64", "ffff"))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> assertThat(refused.refusal()).isInstanceOf(FitRefusal.WrongKernel.class));
  }

  @Test
  void absentOptionalFieldsAreEmptyAndUnknownOnesOfAnotherVersion() throws IOException {
    Bundle without = read(withManifest("\"buildId\" : \"" + BUILD_ID + "\",", ""));
    assertThat(without.manifest().variants().get(0).buildId()).isEmpty();

    String known = "\"formatVersion\" : 1,";
    assertRefused(
        withManifest(known, known + " \"later\" : {\"a\": [1]},"),
        InputRefusal.BundleTooNew.class,
        "later");
    assertRefused(
        withManifest(known, "\"formatVersion\" : 2,"), InputRefusal.BundleTooNew.class, "newer");
    assertBad(withManifest(known, known + known), "Duplicate field");
  }

  @Test
  void damageIsNamed() throws IOException {
    byte[] good = bundle().toBytes();
    assertBad(new byte[0], "ZIP");
    assertBad("no zip at all".getBytes(StandardCharsets.UTF_8), "ZIP");
    for (int size : List.of(good.length / 2, good.length - 1, 40, 4)) {
      assertRefused(Arrays.copyOf(good, size), InputRefusal.BundleTruncated.class, size + " bytes");
    }
    assertBad(withManifest("\"formatVersion\" : 1", "\"formatVersion\" : 0"), "manifest.json");
    assertBad(withManifest("\"formatVersion\" : 1", "\"formatVersion\" : 1.5"), "manifest.json");
    assertBad(withManifest("lucos_fix", "Lucos-Fix"), "no module name");
    assertBad(withManifest(BUILD_ID, "xyz"), "no build-id");
    assertBad(withManifest("2026-11-20T12:00:00Z", "yesterday"), "ISO 8601");
    assertBad(withManifest("\"image.o\"", "\"../image.o\""), "missing");
    assertBad(withManifest("\"original/0.o\"", "\"image.o\""), "missing");
    assertBad(withManifest("\"functions\" :", "\"parts\" : [], \"functionz\" :"), "functions");
    assertBad(withManifest("\"fixes\" : [", "\"fixes\" : [ null,"), "manifest.json");
    for (String size : List.of("799", "801", "-1", "99999999999")) {
      assertRefused(
          withManifest("\"size\" : 800", "\"size\" : " + size),
          InputRefusal.BundleTampered.class,
          "variant/0/original/0.o");
    }
    assertBad(with("manifest.json", text("null")), "manifest.json");
    assertBad(with("manifest.json", text("[".repeat(100_000))), "manifest.json");
    assertBad(with("manifest.json", Bytes.zeros(20 << 20)), "larger than a manifest");
    assertRefused(
        with("variant/0/image.o", text("image FOR 6.1.0-56-cloud-amd64")),
        InputRefusal.BundleTampered.class,
        "variant/0/image.o");
  }

  @Test
  void theArchiveHoldsWhatTheManifestListsInItsOrder() throws IOException {
    byte[] good = bundle().toBytes();
    Map<String, Bytes> missing = entries(good);
    missing.remove("variant/1/image.o");
    assertBad(BundleArchive.write(missing), "missing: variant/1/image.o");
    assertBad(with("readme.txt", Bytes.zeros(3)), "not in manifest: readme.txt");
    Map<String, Bytes> headless = entries(good);
    headless.remove("manifest.json");
    assertBad(BundleArchive.write(headless), "missing: manifest.json");
    Map<String, Bytes> swapped = entries(good);
    swapped.put("variant/0/image.o", swapped.remove("variant/0/image.o"));
    assertBad(BundleArchive.write(swapped), "missing: variant/0/image.o");
    Map<String, Bytes> unsigned = new LinkedHashMap<>();
    entries(good)
        .forEach(
            (name, content) -> {
              unsigned.put(name, content);
              unsigned.put("signature/abc", Bytes.zeros(64));
            });
    assertBad(BundleArchive.write(unsigned), "no signature: signature/abc");
  }

  @Test
  void aGateSeesTheSignedBytesBeforeAnythingInThemIsRead() throws IOException {
    SigningKey key = SigningKey.generate("me");
    Bundle signed = bundle().signedBy(key).signedBy(SigningKey.generate("you")).signedBy(key);
    assertThat(signed.signatures()).hasSize(2);
    Bundle read = read(signed.toBytes());
    assertThat(read.signatures()).isEqualTo(signed.signatures());
    assertThat(read.toBytes()).isEqualTo(signed.toBytes());
    assertThat(
            read.signatures().stream()
                .anyMatch(each -> key.verifyKey().verifies(read.manifestBytes(), each)))
        .isTrue();
    Path file = Files.write(folder.resolve("no.lucos"), with("manifest.json", text("no JSON")));
    assertThatThrownBy(
            () ->
                Bundle.read(
                    file,
                    (manifest, signatures) -> {
                      assertThat(manifest).isEqualTo(text("no JSON"));
                      throw new IllegalStateException("closed");
                    }))
        .hasMessage("closed");
  }

  @Test
  void itSaysWhichKernelsItIsNotForAndWhatItWasMadeOf() throws IOException {
    PatchObject patch = patch("6.1.0-56-cloud-amd64", Optional.of(BUILD_ID));
    PatchVariant.Origin origin =
        new PatchVariant.Origin(
            "fix.diff", "ab", List.of("tcp_ack"), Optional.of("gcc-11"), List.of("export of f"));
    PatchManifest.SkippedKernel skipped =
        new PatchManifest.SkippedKernel("6.12.1-amd64", "nothing-changed", "no machine code");
    Bundle bundle = Bundle.of(List.of(patch.from(origin)), List.of(skipped));

    Bundle read = read(bundle.toBytes());

    assertThat(read.manifest().skipped()).containsExactly(skipped);
    assertThat(read.objects().get(0).variant().origin()).isEqualTo(origin);
  }

  @Test
  void aFileThatIsNotThereIsRefused() {
    assertThatThrownBy(() -> Bundle.read(folder.resolve("nowhere.lucos")))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("no such file");
    assertThatThrownBy(() -> Bundle.read(folder))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("no such file");
  }

  @Test
  void anyDamageIsRefused() throws IOException {
    byte[] good = bundle().signedBy(SigningKey.generate("me")).toBytes();
    Random random = new Random(7);
    for (int i = 0; i < 4_000; i++) {
      byte[] bytes = Damage.any(good, random);
      if (Arrays.equals(bytes, good)) {
        continue;
      }
      try {
        Bundle read = read(bytes);
        // nobody looked at the signature: that is all that may have changed
        assertThat(read.manifestBytes()).isEqualTo(bundle().manifestBytes());
        assertThat(read.objects()).isEqualTo(bundle().objects());
        assertThat(read.toBytes()).isEqualTo(bytes);
      } catch (RefusedException e) {
        assertThat(e.refusal()).isInstanceOf(InputRefusal.class);
      }
    }
  }
}
