package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.trust.BundleSignature;
import org.lucos.patcher.trust.SigningKey;

/**
 * A patch as a file: an archive with {@code manifest.json}, its signatures, and, for the variant
 * with index N, {@code variant/N/image.o} and {@code variant/N/original/M.o}, then {@code
 * program/SHA256} for each program of its probes. The manifest has the digest of every file of a
 * variant and of every program; {@code signature/KEYID} is the Ed25519 signature of the manifest's
 * bytes. The same content gives the same bytes.
 */
public final class Bundle {
  static final String MANIFEST = "manifest.json";
  static final String SIGNATURES = "signature/";
  static final String PROGRAMS = "program/";

  private final PatchManifest manifest;
  private final Bytes manifestBytes;
  private final ImmutableList<PatchObject> objects;
  private final ImmutableList<BundleSignature> signatures;
  private final ImmutableMap<String, Bytes> programs;

  private Bundle(
      PatchManifest manifest,
      Bytes manifestBytes,
      List<PatchObject> objects,
      List<BundleSignature> signatures,
      Map<String, Bytes> programs) {
    this.manifest = manifest;
    this.manifestBytes = manifestBytes;
    this.objects = ImmutableList.copyOf(objects);
    this.signatures = ImmutableList.copyOf(signatures);
    this.programs = ImmutableMap.copyOf(programs);
  }

  /** Decides about a bundle before anything in its manifest is believed. */
  public interface Gate {
    /** Takes whatever comes. */
    Gate OPEN = (manifest, signatures) -> {};

    /**
     * Throws unless the bundle is to be read on.
     *
     * @param manifest the signed bytes
     * @param signatures of them, not yet verified
     */
    void check(Bytes manifest, List<BundleSignature> signatures);
  }

  /** A bundle of one patch for one or more kernels. */
  public static Bundle of(List<PatchObject> objects) {
    return of(objects, List.of());
  }

  /** A bundle of one patch that also says which kernels it could not be built for. */
  public static Bundle of(List<PatchObject> objects, List<PatchManifest.SkippedKernel> skipped) {
    return of(objects, skipped, Map.of());
  }

  /**
   * The same with the programs of its probes.
   *
   * @param programs by their digest; those that no probe runs are left out
   */
  public static Bundle of(
      List<PatchObject> objects,
      List<PatchManifest.SkippedKernel> skipped,
      Map<String, Bytes> programs) {
    if (objects.isEmpty()) {
      throw new IllegalArgumentException("a bundle needs a variant");
    }
    PatchDescription description = objects.get(0).description();
    if (!objects.stream().allMatch(o -> o.description().equals(description))) {
      throw new IllegalArgumentException("variants of different patches");
    }
    List<PatchVariant> variants = objects.stream().map(PatchObject::variant).toList();
    PatchManifest manifest =
        new PatchManifest(PatchManifest.FORMAT_VERSION, description, variants, skipped);
    ImmutableMap.Builder<String, Bytes> brought = ImmutableMap.builder();
    for (String digest : description.programs()) {
      Bytes program = programs.get(digest);
      if (program == null || !program.sha256().equals(digest)) {
        throw new IllegalArgumentException("a probe without its program: " + digest);
      }
      brought.put(digest, program);
    }
    return new Bundle(
        manifest, ManifestJson.write(manifest), objects, List.of(), brought.buildOrThrow());
  }

  static Bundle of(
      PatchManifest manifest,
      Bytes manifestBytes,
      List<PatchObject> objects,
      List<BundleSignature> signatures,
      Map<String, Bytes> programs) {
    return new Bundle(manifest, manifestBytes, objects, signatures, programs);
  }

  /** Reads a bundle whoever it comes from, as {@link #read(Path, Gate)}. */
  public static Bundle read(Path file) {
    return read(file, Gate.OPEN);
  }

  /**
   * Reads a bundle and checks every digest.
   *
   * @param gate decides whether who signed it will do
   * @throws RefusedException with {@link InputRefusal.BadBundle} if it is none or unreadable,
   *     {@link InputRefusal.BundleTruncated}, {@link InputRefusal.BundleTampered} or {@link
   *     InputRefusal.BundleTooNew}, or what the gate throws
   */
  public static Bundle read(Path file, Gate gate) {
    return BundleReader.read(file, gate);
  }

  /** The same bundle with one more signature; an older one of the same key is dropped. */
  public Bundle signedBy(SigningKey key) {
    BundleSignature signature = key.sign(manifestBytes);
    List<BundleSignature> all =
        Stream.concat(
                signatures.stream().filter(each -> !each.keyId().equals(signature.keyId())),
                Stream.of(signature))
            .sorted(Comparator.comparing(BundleSignature::keyId))
            .toList();
    return new Bundle(manifest, manifestBytes, objects, all, programs);
  }

  /** The manifest as it stands in the file: what signatures are made of. */
  public Bytes manifestBytes() {
    return manifestBytes;
  }

  /** Its signatures, which nobody has verified. */
  public List<BundleSignature> signatures() {
    return signatures;
  }

  /** What it says about itself. */
  public PatchManifest manifest() {
    return manifest;
  }

  /** What its probes run in the guest, by digest. */
  public Map<String, Bytes> programs() {
    return programs;
  }

  /** Its variants. */
  public List<PatchObject> objects() {
    return objects;
  }

  /**
   * The variant for a running kernel: the one with its build-id, else one that knows only the
   * release.
   *
   * @throws RefusedException with {@link FitRefusal.WrongKernel} if there is none
   */
  public PatchObject variantFor(String release, String buildId) {
    for (PatchObject object : objects) {
      if (object.variant().buildId().equals(Optional.of(buildId))) {
        return object;
      }
    }
    for (PatchObject object : objects) {
      PatchVariant variant = object.variant();
      if (variant.buildId().isEmpty() && variant.release().equals(release)) {
        return object;
      }
    }
    String wanted =
        String.join(
            ", ",
            objects.stream()
                .map(
                    o -> o.variant().release() + o.variant().buildId().map(b -> "/" + b).orElse(""))
                .toList());
    throw new RefusedException(new FitRefusal.WrongKernel(release + "/" + buildId, wanted));
  }

  /** Writes the file, replacing it as a whole or not at all. */
  public void write(Path file) {
    try {
      Path folder = file.toAbsolutePath().getParent();
      Path draft = Files.createTempFile(folder, ".bundle", ".tmp");
      try {
        Files.write(draft, toBytes());
        Files.move(
            draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(draft);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write bundle: file=" + file, e);
    }
  }

  /** The content of the file. */
  public byte[] toBytes() {
    Map<String, Bytes> entries = new LinkedHashMap<>();
    entries.put(MANIFEST, manifestBytes);
    signatures.forEach(each -> entries.put(SIGNATURES + each.keyId(), each.value()));
    for (int i = 0; i < objects.size(); i++) {
      PatchObject object = objects.get(i);
      entries.put(path(i, object.variant().image()), object.image());
      for (int j = 0; j < object.originals().size(); j++) {
        entries.put(
            path(i, object.variant().originals().get(j).entry()), object.originals().get(j).elf());
      }
    }
    programs.forEach((digest, program) -> entries.put(PROGRAMS + digest, program));
    return BundleArchive.write(entries);
  }

  /** Where a variant's file is in the archive. */
  static String path(int variant, PatchVariant.EntryDigest entry) {
    return "variant/" + variant + "/" + entry.path();
  }
}
