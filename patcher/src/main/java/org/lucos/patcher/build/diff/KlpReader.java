package org.lucos.patcher.build.diff;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.lucos.patcher.build.PatchVariant.CallbackKind;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Reads a compiled livepatch: its structures' data, and where their pointers lead. */
final class KlpReader {
  private static final String ENABLE = "klp_enable_patch";
  private static final Set<String> START = Set.of("init_module", "cleanup_module");

  /** What every function calls. */
  private static final Set<String> PLUMBING = Set.of("__fentry__", "__x86_return_thunk", ENABLE);

  private final String file;
  private final ObjectModel model;
  private final KlpLayout layout;

  KlpReader(String file, ObjectModel model, KlpLayout layout) {
    this.file = file;
    this.model = model;
    this.layout = layout;
  }

  KlpSource read() {
    List<Piece> objects = objects();
    if (objects.isEmpty()) {
      throw refused("its klp_patch", "it names no object");
    }
    Piece array = objects.get(0);
    List<KlpSource.Function> functions = new ArrayList<>();
    List<KlpSource.Callback> callbacks = new ArrayList<>();
    Optional<String> module = Optional.empty();
    int count = 0;
    for (int at = 0; at + layout.objectSize() <= array.size(); at += layout.objectSize()) {
      Optional<String> name = text(array, at + layout.objectName());
      Optional<Piece> funcs = piece(array, at + layout.objectFuncs());
      if (name.isEmpty() && funcs.isEmpty()) {
        break;
      }
      if (++count > 1) {
        throw refused(
            "several objects in one livepatch",
            "it patches "
                + module.orElse("vmlinux")
                + " and "
                + name.orElse("vmlinux")
                + ": give each a source of its own");
      }
      module = name.filter(n -> !n.equals("vmlinux"));
      funcs.ifPresent(f -> functions(f, functions));
      callbacks(array, at, callbacks);
    }
    if (functions.isEmpty()) {
      throw refused("its klp_patch", "it names no function");
    }
    return new KlpSource(module, functions, callbacks, notes());
  }

  /** The array of objects of the one patch that the init function enables. */
  private List<Piece> objects() {
    Set<Piece> patches = new LinkedHashSet<>();
    for (Piece function : model.pieces()) {
      if (function.isFunction() && calls(function, ENABLE)) {
        for (Reference reference : model.references(function)) {
          if (reference.target() instanceof Target.Inside inside
              && inside.piece().kind() == Piece.Kind.VARIABLE
              && inside.piece().size() == layout.patchSize()) {
            patches.add(inside.piece());
          }
        }
      }
    }
    if (patches.size() != 1) {
      throw refused(
          "what is no livepatch",
          "klp_enable_patch() is given " + patches.size() + " variables of type struct klp_patch");
    }
    return piece(patches.iterator().next(), layout.patchObjects()).stream().toList();
  }

  private void functions(Piece array, List<KlpSource.Function> functions) {
    for (int at = 0; at + layout.funcSize() <= array.size(); at += layout.funcSize()) {
      Optional<String> oldName = text(array, at + layout.oldName());
      Optional<Piece> newFunction = piece(array, at + layout.newFunc());
      long sympos = word(array.bytes(), at + layout.oldSympos());
      if (oldName.isEmpty() && newFunction.isEmpty() && sympos == 0) {
        return;
      }
      if (oldName.isEmpty() || newFunction.filter(Piece::isFunction).isEmpty()) {
        throw refused(
            "a klp_func in " + array.name(),
            "it needs an old_name, and a new_func of the same file");
      }
      if (sympos < 0 || sympos > Integer.MAX_VALUE) {
        throw refused("a klp_func in " + array.name(), "its old_sympos is " + sympos);
      }
      functions.add(new KlpSource.Function(oldName.get(), (int) sympos, newFunction.get().name()));
    }
  }

  private void callbacks(Piece array, int at, List<KlpSource.Callback> callbacks) {
    for (CallbackKind kind : CallbackKind.values()) {
      Optional<Piece> function = piece(array, at + layout.callbacks().get(kind.number() - 1));
      if (function.isPresent()) {
        callbacks.add(new KlpSource.Callback(kind, function.get().name()));
      }
    }
  }

  /** What is left out is told: a hidden loss is worse than a refusal. */
  private List<String> notes() {
    List<String> notes = new ArrayList<>();
    for (Piece piece : model.pieces()) {
      if (piece.isFunction() && isStart(piece)) {
        List<String> others =
            model.references(piece).stream()
                .filter(Reference::branch)
                .map(Reference::target)
                .flatMap(KlpReader::name)
                .filter(name -> !PLUMBING.contains(name))
                .distinct()
                .toList();
        if (!others.isEmpty()) {
          notes.add(
              piece.name()
                  + " is left out, and with it its calls of "
                  + String.join(", ", others)
                  + ": use callbacks");
        }
      }
      if (piece.section().name().startsWith("__param")) {
        notes.add("module parameters are left out: " + piece.name());
      }
    }
    return notes;
  }

  /** Whether a function is the module's init or exit function, which nobody calls here. */
  static boolean isStart(Piece function) {
    return function.role() == SectionRole.INIT_TEXT
        || function.symbols().stream().anyMatch(s -> START.contains(s.name()));
  }

  private static java.util.stream.Stream<String> name(Target target) {
    if (target instanceof Target.External external) {
      return java.util.stream.Stream.of(external.name());
    }
    return target instanceof Target.Inside inside
        ? java.util.stream.Stream.of(inside.piece().name())
        : java.util.stream.Stream.empty();
  }

  private boolean calls(Piece function, String name) {
    return model.references(function).stream()
        .anyMatch(r -> r.target() instanceof Target.External e && e.name().equals(name));
  }

  private Optional<Target> pointer(Piece piece, int offset) {
    return model.references(piece).stream()
        .filter(reference -> reference.offset() == offset)
        .map(Reference::target)
        .findFirst();
  }

  private Optional<Piece> piece(Piece from, int offset) {
    Optional<Target> target = pointer(from, offset);
    if (target.isPresent()
        && !(target.get() instanceof Target.Inside inside
            && (inside.offset() == 0 || inside.offset() == inside.piece().entry()))) {
      throw refused(
          "'" + from.name() + "'", "the pointer at its byte " + offset + " leads out of this file");
    }
    return target.map(t -> ((Target.Inside) t).piece());
  }

  private Optional<String> text(Piece from, int offset) {
    Optional<Target> target = pointer(from, offset);
    if (target.isEmpty()) {
      return Optional.empty();
    }
    if (!(target.get() instanceof Target.Literal literal)) {
      throw refused("'" + from.name() + "'", "the name at its byte " + offset + " is no literal");
    }
    byte[] bytes = literal.text().toArray();
    return Optional.of(new String(bytes, 0, bytes.length - 1, StandardCharsets.US_ASCII));
  }

  static long word(Bytes bytes, int offset) {
    long value = 0;
    for (int i = 7; i >= 0; i--) {
      value = value << 8 | (bytes.at(offset + i) & 0xff);
    }
    return value;
  }

  private RefusedException refused(String what, String detail) {
    return new RefusedException(new ChangeRefusal.UnsupportedChange(what + " of " + file, detail));
  }
}
