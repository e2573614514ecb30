package org.lucos.patcher.btf;

/** The kinds of BTF types, numbered as {@code BTF_KIND_*} in include/uapi/linux/btf.h. */
public enum BtfKind {
  VOID(0, 0),
  INT(4, 0),
  PTR(0, 0),
  ARRAY(12, 0),
  STRUCT(0, 12),
  UNION(0, 12),
  ENUM(0, 8),
  FWD(0, 0),
  TYPEDEF(0, 0),
  VOLATILE(0, 0),
  CONST(0, 0),
  RESTRICT(0, 0),
  FUNC(0, 0),
  FUNC_PROTO(0, 8),
  VAR(4, 0),
  DATASEC(0, 12),
  FLOAT(0, 0),
  DECL_TAG(4, 0),
  TYPE_TAG(0, 0),
  ENUM64(0, 12);

  private static final BtfKind[] ALL = values();

  private final int extraBytes;
  private final int entryBytes;

  BtfKind(int extraBytes, int entryBytes) {
    this.extraBytes = extraBytes;
    this.entryBytes = entryBytes;
  }

  /** The kind of a number; {@link #VOID} for numbers that are none. */
  static BtfKind of(int number) {
    return number < ALL.length ? ALL[number] : VOID;
  }

  /** Fixed bytes after the type's header. */
  int extraBytes() {
    return extraBytes;
  }

  /** Bytes of each member, enumerator, parameter or variable. */
  int entryBytes() {
    return entryBytes;
  }

  /** Whether it only names or qualifies another type. */
  public boolean isAlias() {
    return switch (this) {
      case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> true;
      default -> false;
    };
  }

  /** Whether the third word of the header is a type. */
  boolean refersToType() {
    return switch (this) {
      case PTR, FUNC, FUNC_PROTO, VAR, DECL_TAG -> true;
      default -> isAlias();
    };
  }

  /** Whether the third word of the header is a size. */
  boolean hasSize() {
    return switch (this) {
      case INT, STRUCT, UNION, ENUM, ENUM64, FLOAT, DATASEC -> true;
      default -> false;
    };
  }

  /** Whether it has members. */
  public boolean isStruct() {
    return this == STRUCT || this == UNION;
  }

  /** Whether it has enumerators. */
  public boolean isEnum() {
    return this == ENUM || this == ENUM64;
  }
}
