package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.trust.BundleSignature;

/**
 * Reads a bundle that may be damaged or hostile. The archive must hold, in this order and nothing
 * else: the manifest, signatures of it by ascending key id, the files of its variants as the
 * manifest lists them, and the programs of its probes in the order of their first use.
 */
final class BundleReader {
  private static final int LARGEST_MANIFEST = 16 << 20;
  private static final int LARGEST_BUNDLE = 128 << 20;
  private static final int MOST_SIGNATURES = 16;

  private final String file;
  private final ImmutableList<Map.Entry<String, Bytes>> entries;
  private int taken;

  private BundleReader(String file, Map<String, Bytes> entries) {
    this.file = file;
    this.entries = ImmutableList.copyOf(entries.entrySet());
  }

  static Bundle read(Path file, Bundle.Gate gate) {
    return new BundleReader(file.toString(), archive(file.toString(), content(file))).read(gate);
  }

  private static byte[] content(Path file) {
    if (!Files.isRegularFile(file)) {
      throw bad(file.toString(), "no such file");
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(LARGEST_BUNDLE + 1);
      if (content.length > LARGEST_BUNDLE) {
        throw bad(file.toString(), "larger than " + (LARGEST_BUNDLE >> 20) + " MiB");
      }
      return content;
    } catch (IOException e) {
      throw bad(file.toString(), "cannot be read: " + e);
    }
  }

  private Bundle read(Bundle.Gate gate) {
    Bytes json = take(Bundle.MANIFEST);
    if (json.size() > LARGEST_MANIFEST) {
      throw bad("larger than a manifest can be: " + json.size() + " bytes");
    }
    List<BundleSignature> signatures = new ArrayList<>();
    while (taken < entries.size() && entries.get(taken).getKey().startsWith(Bundle.SIGNATURES)) {
      signatures.add(signature(entries.get(taken), signatures));
      taken++;
    }
    gate.check(json, List.copyOf(signatures));
    PatchManifest manifest = manifest(json);
    if (manifest.variants().isEmpty()) {
      throw bad("no variant");
    }
    List<PatchObject> objects = new ArrayList<>();
    for (int i = 0; i < manifest.variants().size(); i++) {
      PatchVariant variant = manifest.variants().get(i);
      Bytes image = take(i, variant.image());
      List<ReferenceObject> originals = new ArrayList<>();
      for (PatchVariant.OriginalEntry original : variant.originals()) {
        originals.add(
            new ReferenceObject(original.object(), original.module(), take(i, original.entry())));
      }
      objects.add(new PatchObject(manifest.description(), variant, image, originals));
    }
    Map<String, Bytes> programs = new LinkedHashMap<>();
    for (String digest : manifest.description().programs()) {
      programs.put(digest, program(digest));
    }
    if (taken < entries.size()) {
      throw bad("entry not in manifest: " + entries.get(taken).getKey());
    }
    return Bundle.of(manifest, json, objects, signatures, programs);
  }

  private static Map<String, Bytes> archive(String file, byte[] content) {
    Bytes bytes = Bytes.of(content);
    boolean begins = content.length >= 4 && bytes.i32(0) == BundleArchive.LOCAL;
    if (begins && !hasEnd(bytes)) {
      throw new RefusedException(new InputRefusal.BundleTruncated(file, content.length));
    }
    try {
      return BundleArchive.read(file, content);
    } catch (MalformedDataException e) {
      throw new RefusedException(
          new InputRefusal.BadBundle(file, String.valueOf(e.getMessage())), e);
    }
  }

  /** An end record may have something behind it, which is another fault. */
  private static boolean hasEnd(Bytes bytes) {
    for (int at = bytes.size() - BundleArchive.END_SIZE; at >= 0; at--) {
      if (bytes.at(at) == 'P' && bytes.i32(at) == BundleArchive.END) {
        return true;
      }
    }
    return false;
  }

  private BundleSignature signature(Map.Entry<String, Bytes> entry, List<BundleSignature> before) {
    String keyId = entry.getKey().substring(Bundle.SIGNATURES.length());
    if (!BundleSignature.isKeyId(keyId) || entry.getValue().size() != BundleSignature.SIZE) {
      throw bad("no signature: " + entry.getKey() + ", " + entry.getValue().size() + " bytes");
    }
    if (before.size() == MOST_SIGNATURES) {
      throw bad("more than " + MOST_SIGNATURES + " signatures");
    }
    if (!before.isEmpty() && before.get(before.size() - 1).keyId().compareTo(keyId) >= 0) {
      throw bad("signatures out of order: " + keyId);
    }
    return new BundleSignature(keyId, entry.getValue());
  }

  private PatchManifest manifest(Bytes json) {
    try {
      return ManifestJson.read(json);
    } catch (ManifestJson.OtherVersionException e) {
      throw new RefusedException(
          new InputRefusal.BundleTooNew(file, String.valueOf(e.getMessage())), e);
    } catch (IOException e) {
      throw bad(Bundle.MANIFEST + ": " + e.getMessage());
    }
  }

  private Bytes program(String digest) {
    String path = Bundle.PROGRAMS + digest;
    Bytes program = take(path);
    if (!program.sha256().equals(digest)) {
      throw new RefusedException(new InputRefusal.BundleTampered(file, path));
    }
    try {
      ProbeProgram.requireSound(program);
    } catch (MalformedDataException e) {
      throw bad(path + ": " + e.getMessage());
    }
    return program;
  }

  private Bytes take(int variant, PatchVariant.EntryDigest digest) {
    String path = Bundle.path(variant, digest);
    Bytes bytes = take(path);
    if (bytes.size() != digest.size() || !bytes.sha256().equals(digest.sha256())) {
      throw new RefusedException(new InputRefusal.BundleTampered(file, path));
    }
    return bytes;
  }

  private Bytes take(String wanted) {
    if (taken == entries.size()) {
      throw bad("entry missing: " + wanted);
    }
    Map.Entry<String, Bytes> entry = entries.get(taken++);
    if (!entry.getKey().equals(wanted)) {
      throw bad("entry missing: " + wanted + ", there is " + entry.getKey());
    }
    return entry.getValue();
  }

  private RefusedException bad(String detail) {
    return bad(file, detail);
  }

  private static RefusedException bad(String file, String detail) {
    return new RefusedException(new InputRefusal.BadBundle(file, detail));
  }
}
