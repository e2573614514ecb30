package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.build.PatchDescription;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.PatchVariant.EntryDigest;
import org.lucos.patcher.build.PatchVariant.OriginalEntry;
import org.lucos.patcher.build.ReferenceObject;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.trust.SigningKey;

/** Bundles whose manifest is right about objects that are wrong. */
final class Rebundled {
  private Rebundled() {}

  static Path withTruncatedImage(Path bundle, Path to, int percent) {
    PatchObject object = Bundle.read(bundle).objects().get(0);
    Bytes image = truncated(object.image(), percent);
    return write(to, object, image, object.originals());
  }

  static Path withTruncatedOriginal(Path bundle, Path to, int percent) {
    PatchObject object = Bundle.read(bundle).objects().get(0);
    List<ReferenceObject> originals = new ArrayList<>();
    for (ReferenceObject original : object.originals()) {
      originals.add(
          new ReferenceObject(
              original.object(), original.module(), truncated(original.elf(), percent)));
    }
    return write(to, object, object.image(), originals);
  }

  /** A whole archive and a good signature: only the image is another than was signed. */
  static Path withAnotherImage(Path bundle, Path to) throws IOException {
    return withFlippedBit(bundle, to, Bundle.read(bundle).objects().get(0).image());
  }

  /** A whole archive, but the manifest is another than was signed. */
  static Path changedAfterSigning(Path bundle, Path to) throws IOException {
    return withFlippedBit(bundle, to, Bundle.read(bundle).manifestBytes());
  }

  /** Another description, signed again by somebody else. */
  static Path changedAndSignedByAnother(Path bundle, Path to) {
    PatchObject good = Bundle.read(bundle).objects().get(0);
    PatchDescription was = good.description();
    PatchDescription now =
        new PatchDescription(was.name(), "trust me", was.fixes(), was.created(), was.toolVersion());
    Bundle.of(List.of(new PatchObject(now, good.variant(), good.image(), good.originals())))
        .signedBy(SigningKey.generate("another"))
        .write(to);
    return to;
  }

  /** The same patch, which requires others. */
  static Path requiring(Path bundle, Path to, List<String> patches) {
    PatchObject good = Bundle.read(bundle).objects().get(0);
    Bundle.of(List.of(good.describedAs(good.description().requiring(patches))))
        .signedBy(SigningKey.read(Bundles.key()))
        .write(to);
    return to;
  }

  /** The same patch, with probes. */
  static Path probed(Path bundle, Path to, PatchProbe... probes) {
    Bundle was = Bundle.read(bundle);
    PatchObject good = was.objects().get(0);
    Bundle.of(
            List.of(good.describedAs(good.description().probedBy(List.of(probes)))),
            List.of(),
            was.programs())
        .signedBy(SigningKey.read(Bundles.key()))
        .write(to);
    return to;
  }

  /** The same patch, with its author's word that tasks may stay inside the old code. */
  static Path immediateSafe(Path bundle, Path to) {
    PatchObject good = Bundle.read(bundle).objects().get(0);
    Bundle.of(List.of(good.describedAs(good.description().withImmediateSafe(true))))
        .signedBy(SigningKey.read(Bundles.key()))
        .write(to);
    return to;
  }

  /** The same with a variant that says that its memory must stay behind after a revert. */
  static Path retaining(Path bundle, Path to) {
    PatchObject good = Bundle.read(bundle).objects().get(0);
    List<PatchVariant.Escape> escapes = List.of(new PatchVariant.Escape("made", "for a test"));
    PatchVariant variant = with(good.variant(), Map.of("escapes", escapes));
    Bundle.of(List.of(new PatchObject(good.description(), variant, good.image(), good.originals())))
        .signedBy(SigningKey.read(Bundles.key()))
        .write(to);
    return to;
  }

  static Path unsigned(Path bundle, Path to) {
    Bundle was = Bundle.read(bundle);
    Bundle.of(was.objects(), List.of(), was.programs()).write(to);
    return to;
  }

  /** Changes the middle of a file in the archive, and its checksums with it. */
  private static Path withFlippedBit(Path bundle, Path to, Bytes content) throws IOException {
    byte[] changed = content.toArray();
    changed[changed.length / 2] ^= 1;
    String hex = HexFormat.of().formatHex(Files.readAllBytes(bundle));
    String result = hex.replace(content.toHex(), HexFormat.of().formatHex(changed));
    assertThat(result).isNotEqualTo(hex);
    result = result.replace(checksum(content.toArray()), checksum(changed));
    return Files.write(to, HexFormat.of().parseHex(result));
  }

  /** As it stands in the archive, before each file and in the directory. */
  private static String checksum(byte[] content) {
    CRC32 sum = new CRC32();
    sum.update(content);
    return HexFormat.of().toHexDigits(Integer.reverseBytes((int) sum.getValue()));
  }

  private static Path write(
      Path to, PatchObject object, Bytes image, List<ReferenceObject> originals) {
    List<OriginalEntry> entries = new ArrayList<>();
    for (int i = 0; i < originals.size(); i++) {
      OriginalEntry was = object.variant().originals().get(i);
      EntryDigest digest = digest(was.entry().path(), originals.get(i).elf());
      entries.add(with(was, Map.of("entry", digest)));
    }
    PatchVariant variant =
        with(
            object.variant(),
            Map.of("image", digest(object.variant().image().path(), image), "originals", entries));
    Bundle.of(List.of(new PatchObject(object.description(), variant, image, originals)))
        .signedBy(SigningKey.read(Bundles.key()))
        .write(to);
    return to;
  }

  private static EntryDigest digest(String path, Bytes content) {
    return new EntryDigest(path, content.size(), content.sha256());
  }

  /** A record with some of its components changed. */
  @SuppressWarnings("unchecked") // the constructor is that of the record's own class
  private static <R extends Record> R with(R record, Map<String, Object> changes) {
    try {
      RecordComponent[] components = record.getClass().getRecordComponents();
      Class<?>[] types = new Class<?>[components.length];
      Object[] values = new Object[components.length];
      for (int i = 0; i < components.length; i++) {
        types[i] = components[i].getType();
        Object kept = components[i].getAccessor().invoke(record);
        values[i] = changes.getOrDefault(components[i].getName(), kept);
      }
      return (R) record.getClass().getDeclaredConstructor(types).newInstance(values);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Bytes truncated(Bytes bytes, int percent) {
    return bytes.slice(0, bytes.size() * percent / 100);
  }
}
