package org.lucos.patcher.kernel;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.btf.Btf;
import org.lucos.patcher.btf.BtfKind;
import org.lucos.patcher.bytes.NameIndex;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * The types of a running kernel, or of one of its modules on top of the kernel's: structures by
 * name, enumerators, sizes. Nothing is guessed: a name that several different types have is
 * refused.
 */
public final class BtfTypes {
  private final Btf btf;

  /** Of the kernel, if these are a module's. */
  private final @Nullable BtfTypes base;

  /** Own types by name, counted from the first of them. */
  private final NameIndex names;

  /** The type and the place in it of every own enumerator, and these by name. */
  private final int[] owners;

  private final int[] places;
  private final NameIndex enumerators;

  private BtfTypes(Btf btf, @Nullable BtfTypes base) {
    this.btf = btf;
    this.base = base;
    int first = btf.firstOwnType();
    this.names = new NameIndex(btf.typeCount() - first);
    int count = 0;
    for (int id = btf.typeCount() - 1; id >= first; id--) {
      BtfKind kind = btf.kind(id);
      if (isNamedByUsers(kind)) {
        names.add(btf.nameHash(id), id - first);
      }
      if (kind.isEnum()) {
        count += btf.entries(id);
      }
    }
    this.owners = new int[count];
    this.places = new int[count];
    this.enumerators = new NameIndex(count);
    for (int id = first, at = 0; id < btf.typeCount(); id++) {
      for (int i = 0; btf.kind(id).isEnum() && i < btf.entries(id); i++, at++) {
        owners[at] = id;
        places[at] = i;
        enumerators.add(btf.entryNameHash(id, i), at);
      }
    }
  }

  private BtfTypes(Btf btf, Stored stored) {
    this.btf = btf;
    this.base = null;
    this.names = NameIndex.restored(stored.names());
    this.owners = stored.owners();
    this.places = stored.places();
    this.enumerators = NameIndex.restored(stored.enumerators());
  }

  /**
   * Parses the BTF of a vmlinux.
   *
   * @param source what errors call the data
   * @throws org.lucos.patcher.bytes.MalformedDataException if it does not follow the format
   */
  public static BtfTypes parse(String source, byte[] data) {
    return new BtfTypes(Btf.parse(source, data), (BtfTypes) null);
  }

  /** Parses the BTF of a module; types of vmlinux are found through the result too. */
  public BtfTypes withModule(String source, byte[] data) {
    return new BtfTypes(Btf.parseSplit(source, data, btf), this);
  }

  /** What a cache keeps of the types of a vmlinux, besides their BTF. */
  @SuppressWarnings("ArrayRecordComponent")
  record Stored(
      int[] offsets,
      NameIndex.Stored names,
      int[] owners,
      int[] places,
      NameIndex.Stored enumerators) {}

  /** The arrays, for a cache. */
  Stored stored() {
    return new Stored(btf.offsets(), names.stored(), owners, places, enumerators.stored());
  }

  /** Takes up types from a cache. */
  static BtfTypes restored(String source, byte[] data, Stored stored) {
    return new BtfTypes(Btf.restored(source, data, stored.offsets()), stored);
  }

  private static boolean isNamedByUsers(BtfKind kind) {
    return switch (kind) {
      case STRUCT, UNION, INT, ENUM, ENUM64, TYPEDEF, FLOAT -> true;
      default -> false;
    };
  }

  /**
   * The struct or union of this name, without the keyword.
   *
   * @throws RefusedException if there is none, or several
   */
  public StructLayout struct(String name) {
    return findStruct(name).orElseThrow(() -> notResolved("struct " + name, "no such type"));
  }

  /**
   * The struct or union of this name, if there is one.
   *
   * @throws RefusedException if there are several
   */
  public Optional<StructLayout> findStruct(String name) {
    return findStruct(name, List.of());
  }

  /**
   * The struct or union of this name that has all these members; a way to choose among several of
   * one name.
   *
   * @param members paths as in {@link StructLayout#find}
   * @throws RefusedException if there are several
   */
  public Optional<StructLayout> findStruct(String name, List<String> members) {
    List<StructLayout> found = new ArrayList<>();
    for (int id : named(name)) {
      StructLayout layout = new StructLayout(btf, id);
      if (btf.kind(id).isStruct()
          && members.stream().allMatch(member -> layout.find(member).isPresent())) {
        found.add(layout);
      }
    }
    if (found.size() > 1) {
      throw notResolved("struct " + name, found.size() + " types have this name");
    }
    return found.stream().findFirst();
  }

  /**
   * The size in bytes of a struct, union, typedef, enum or integer.
   *
   * @throws RefusedException if there is no such type, or several of different sizes
   */
  public long sizeOf(String name) {
    long[] sizes = named(name).stream().mapToLong(btf::size).distinct().toArray();
    if (sizes.length != 1) {
      throw notResolved(name, sizes.length == 0 ? "no such type" : "types of different sizes");
    }
    return sizes[0];
  }

  /**
   * The value of an enumerator.
   *
   * @throws RefusedException if there is none, or several of different values
   */
  public long enumerator(String name) {
    return findEnumerator(name)
        .orElseThrow(() -> notResolved("enumerator " + name, "no such enumerator"));
  }

  /**
   * The value of an enumerator, if there is one.
   *
   * @throws RefusedException if there are several of different values
   */
  public OptionalLong findEnumerator(String name) {
    long[] values = valuesOf(name.getBytes(StandardCharsets.ISO_8859_1));
    long[] different = Arrays.stream(values).distinct().toArray();
    if (different.length > 1) {
      throw notResolved("enumerator " + name, "several values");
    }
    return different.length == 0 ? OptionalLong.empty() : OptionalLong.of(different[0]);
  }

  private long[] valuesOf(byte[] enumerator) {
    long[] values = base == null ? new long[0] : base.valuesOf(enumerator);
    int at = enumerators.first(NameIndex.hash(enumerator, 0, enumerator.length));
    for (; at != NameIndex.NONE; at = enumerators.next(at)) {
      if (btf.entryIs(owners[at], places[at], enumerator)) {
        values = Arrays.copyOf(values, values.length + 1);
        values[values.length - 1] = btf.enumeratorValue(owners[at], places[at]);
      }
    }
    return values;
  }

  private List<Integer> named(String name) {
    return named(name.getBytes(StandardCharsets.ISO_8859_1));
  }

  private List<Integer> named(byte[] wanted) {
    List<Integer> found = base == null ? new ArrayList<>() : base.named(wanted);
    int first = btf.firstOwnType();
    int at = names.first(NameIndex.hash(wanted, 0, wanted.length));
    for (; at != NameIndex.NONE; at = names.next(at)) {
      if (btf.nameIs(first + at, wanted)) {
        found.add(first + at);
      }
    }
    return found;
  }

  static RefusedException notResolved(String type, String detail) {
    return new RefusedException(new FitRefusal.TypeNotResolved(type, detail));
  }
}
