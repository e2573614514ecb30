package org.lucos.patcher.kernel;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
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
  private final NameIndex index;

  /** The numbers of all enums, descending. */
  private final int[] enums;

  BtfTypes(Btf btf) {
    this.btf = btf;
    this.index = new NameIndex(btf.typeCount());
    int[] found = new int[64];
    int count = 0;
    for (int id = btf.typeCount() - 1; id > 0; id--) {
      BtfKind kind = btf.kind(id);
      if (isNamedByUsers(kind)) {
        index.add(btf.nameHash(id), id);
      }
      if (kind.isEnum()) {
        if (count == found.length) {
          found = Arrays.copyOf(found, count * 2);
        }
        found[count++] = id;
      }
    }
    this.enums = Arrays.copyOf(found, count);
  }

  /**
   * Parses the BTF of a vmlinux.
   *
   * @param source what errors call the data
   * @throws org.lucos.patcher.bytes.MalformedDataException if it does not follow the format
   */
  public static BtfTypes parse(String source, byte[] data) {
    return new BtfTypes(Btf.parse(source, data));
  }

  /** Parses the BTF of a module; types of vmlinux are found through the result too. */
  public BtfTypes withModule(String source, byte[] data) {
    return new BtfTypes(Btf.parseSplit(source, data, btf));
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
    byte[] wanted = name.getBytes(StandardCharsets.ISO_8859_1);
    long[] values = new long[0];
    for (int id : enums) {
      for (int i = 0; i < btf.entries(id); i++) {
        if (btf.entryIs(id, i, wanted)) {
          values = Arrays.copyOf(values, values.length + 1);
          values[values.length - 1] = btf.enumeratorValue(id, i);
        }
      }
    }
    long[] different = Arrays.stream(values).distinct().toArray();
    if (different.length > 1) {
      throw notResolved("enumerator " + name, "several values");
    }
    return different.length == 0 ? OptionalLong.empty() : OptionalLong.of(different[0]);
  }

  private List<Integer> named(String name) {
    byte[] wanted = name.getBytes(StandardCharsets.ISO_8859_1);
    List<Integer> found = new ArrayList<>();
    int id = index.first(NameIndex.hash(wanted, 0, wanted.length));
    for (; id != NameIndex.NONE; id = index.next(id)) {
      if (btf.nameIs(id, wanted)) {
        found.add(id);
      }
    }
    return found;
  }

  static RefusedException notResolved(String type, String detail) {
    return new RefusedException(new FitRefusal.TypeNotResolved(type, detail));
  }
}
