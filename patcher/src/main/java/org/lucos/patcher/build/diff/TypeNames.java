package org.lucos.patcher.build.diff;

import org.lucos.patcher.btf.Btf;
import org.lucos.patcher.btf.BtfKind;

/** Types as C writes them, for messages. */
final class TypeNames {
  private static final int DEEPEST = 16;

  private TypeNames() {}

  /** Keyword and name of a struct, union or enum, declared or only announced. */
  static String tag(Btf btf, int type) {
    String name = btf.name(type);
    String keyword =
        switch (btf.kind(type)) {
          case STRUCT -> "struct";
          case UNION -> "union";
          case FWD -> btf.kindFlag(type) ? "union" : "struct";
          default -> "enum";
        };
    return name.isEmpty() ? keyword + " {...}" : keyword + " " + name;
  }

  /** Any type. */
  static String of(Btf btf, int type) {
    return of(btf, type, 0);
  }

  private static String of(Btf btf, int type, int depth) {
    BtfKind kind = btf.kind(type);
    if (depth > DEEPEST) {
      return "...";
    }
    return switch (kind) {
      case STRUCT, UNION, FWD, ENUM, ENUM64 -> tag(btf, type);
      case PTR -> pointer(of(btf, btf.sizeOrType(type), depth + 1));
      case ARRAY -> of(btf, btf.elementType(type), depth + 1) + "[" + btf.elementCount(type) + "]";
      case CONST -> "const " + of(btf, btf.sizeOrType(type), depth + 1);
      case VOLATILE -> "volatile " + of(btf, btf.sizeOrType(type), depth + 1);
      case RESTRICT, TYPE_TAG, VAR, FUNC -> of(btf, btf.sizeOrType(type), depth + 1);
      case FUNC_PROTO -> prototype(btf, type, depth);
      default -> btf.name(type);
    };
  }

  private static String pointer(String to) {
    return to.endsWith("*") ? to + "*" : to + " *";
  }

  private static String prototype(Btf btf, int type, int depth) {
    StringBuilder text = new StringBuilder(of(btf, btf.sizeOrType(type), depth + 1)).append(" (");
    for (int i = 0; i < btf.entries(type); i++) {
      int parameter = btf.memberType(type, i);
      text.append(i == 0 ? "" : ", ")
          .append(parameter == 0 ? "..." : of(btf, parameter, depth + 1));
    }
    return text.append(btf.entries(type) == 0 ? "void)" : ")").toString();
  }
}
